//! What threads report, taken in.

use weir_core::UnixNanos;
use weir_nvml_raw::{Class, Device, Error};

use super::{
    super::{
        known::{KnownGpu, State},
        session::{self, Found, Report, Session, Who},
    },
    Fleet,
};

impl Fleet {
    /// Takes a thread's report in.
    pub(in crate::nvml) fn take(&mut self, report: Report, now: UnixNanos) {
        match report {
            // It would take the round's answers with the session that they are of.
            Report::Opened(..) if self.waiting > 0 => self.opened = Some(report),
            Report::Opened(number, listed, outcome) if number == self.openings => {
                (self.opening, self.listed) = (None, listed);
                match outcome {
                    Ok(found) if self.is_released => session::close(found, &self.held),
                    Err(_) if self.is_released => {} // nobody asks for it any more
                    Ok(found) if found.gpus.is_empty() && found.lost.is_empty() && listed > 0 => {
                        session::close(found, &self.held);
                        self.failed(
                            format!("NVML finds none of the {listed} GPUs that the driver lists"),
                            true,
                            now,
                        );
                    }
                    Ok(Found { gpus, lost, events }) => {
                        if let Some((index, error)) = lost.first() {
                            self.say(format!("GPU {index} does not answer: {error}"));
                        }
                        let devices = self.settle(gpus, now);
                        match Session::start(number, devices, events, &self.plan, &self.held, &self.reports) {
                            Ok(session) => (self.session, self.has_worked) = (Some(session), true),
                            Err(error) => self.say(format!("cannot start a thread: {error}")),
                        }
                    }
                    Err(error) => {
                        // Who was started without the driver's library is started without it again.
                        let never_had_it = matches!(error, Error::Load { .. }) && !self.has_worked;
                        self.failed(format!("no GPUs: {error}"), !never_had_it, now);
                    }
                }
            }
            Report::Round(number, place, readings, outcome) if self.is_of_now(number) => {
                let Some(gpu) = self.places.get(place).and_then(|at| self.gpus.get_mut(*at)) else { return };
                (gpu.readings, gpu.is_busy) = (readings, false);
                if let Some(migs) = gpu.readings.migs.take() {
                    if gpu.tenancy.divide(migs) {
                        gpu.divided();
                    }
                    gpu.tenancy.let_to(&gpu.who, &self.pods.assigned);
                }
                let was_late = gpu.state == State::Stuck;
                if !was_late {
                    self.waiting = self.waiting.saturating_sub(1);
                }
                match outcome {
                    Ok(()) => {
                        gpu.state = State::Up;
                        if !std::mem::replace(&mut self.is_proven, true) {
                            self.failures = 0;
                        }
                        if let Some(answered) = self.answered.get_mut(self.places[place]) {
                            *answered |= !was_late;
                        }
                    }
                    Err(error) => {
                        let is_lost = error.class() == Class::Lost;
                        gpu.state = if is_lost { State::Gone } else { State::Unknown };
                        let words = format!("GPU {}: {error}", gpu.who.index);
                        if error.class() == Class::Session {
                            self.end_session();
                            self.failed(format!("no GPUs: {error}"), true, now);
                        } else {
                            self.say(words);
                        }
                    }
                }
            }
            // Where an opening waits to be taken in, its own events have it too.
            Report::Xid(number, place, code, instance) if self.is_of_now(number) && self.opened.is_none() => {
                if let Some(gpu) = self.places.get(place).and_then(|at| self.gpus.get_mut(*at)) {
                    gpu.xid(code, instance, now);
                    let (index, uuid) = (gpu.who.index, &gpu.who.uuid);
                    tracing::warn!(component = %self.context.id, "XID {code} on GPU {index} ({uuid})");
                }
            }
            Report::Heard(number, heard) if self.is_of_now(number) => self.hears(&heard),
            // What each instance has, and its handle, is found out anew.
            Report::Divided(number, place) if self.is_of_now(number) => {
                if let Some(gpu) = self.places.get(place).and_then(|at| self.gpus.get_mut(*at)) {
                    gpu.divided();
                    let (component, index) = (&self.context.id, gpu.who.index);
                    tracing::info!(%component, "the MIG instances of GPU {index} are others now: NVML is opened anew");
                }
                self.retry_at = now;
                self.end_session();
            }
            // Once a round: a driver may tell of it without end.
            Report::Alarm(number, place) if self.is_of_now(number) && !self.is_alarmed => {
                if let Some(gpu) = self.places.get(place).and_then(|at| self.gpus.get(*at)) {
                    let (component, index) = (&self.context.id, gpu.who.index);
                    tracing::warn!(%component, "the driver says that GPU {index} is unavailable, or asks for its recovery");
                }
                self.is_alarmed = true;
            }
            Report::Pods(is_up, pods) => {
                (self.kubelet, self.pods) = (Some(is_up), pods);
                for gpu in &mut self.gpus {
                    gpu.tenancy.let_to(&gpu.who, &self.pods.assigned);
                }
            }
            // Of an opening that is over.
            Report::Opened(..)
            | Report::Round(..)
            | Report::Xid(..)
            | Report::Heard(..)
            | Report::Alarm(..)
            | Report::Divided(..) => {}
        }
    }

    /// Waiting for events fails for all GPUs alike.
    fn hears(&mut self, heard: &Result<(), Error>) {
        let component = &self.context.id;
        match heard {
            Ok(()) => tracing::info!(%component, "XIDs are reported again"),
            Err(error) => tracing::warn!(%component, "no XIDs are reported: {error}; tried again, said once"),
        }
        self.gpus.iter_mut().for_each(|gpu| gpu.can_hear = heard.is_ok());
    }

    /// Which GPUs there are, after an opening.
    fn settle(&mut self, found: Vec<(Who, Device, Result<(), Error>)>, now: UnixNanos) -> Vec<Device> {
        self.places.clear();
        self.is_proven = false;
        self.gpus.iter_mut().for_each(|gpu| gpu.can_hear = true);
        self.gpus.iter_mut().for_each(|gpu| (gpu.state, gpu.is_busy) = (State::Gone, false));
        let mut devices = Vec::new();
        for (who, device, heard) in found {
            let at = self.gpus.iter().position(|gpu| gpu.who.uuid == who.uuid).unwrap_or(self.gpus.len());
            if at == self.gpus.len() {
                self.gpus.push(KnownGpu::new(who.clone(), now));
            }
            let gpu = &mut self.gpus[at];
            gpu.found(who);
            let was_heard = std::mem::replace(&mut gpu.is_heard, heard.is_ok());
            if let (true, Err(error)) = (was_heard, heard) {
                let (component, index) = (&self.context.id, gpu.who.index);
                tracing::warn!(%component, "GPU {index} reports no XIDs: {error}; said once");
            }
            gpu.tenancy.let_to(&gpu.who, &self.pods.assigned);
            self.places.push(at);
            devices.push(device);
        }
        devices
    }
}
