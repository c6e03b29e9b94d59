//! Lines of text: known ones by their bytes, others by what they say.

use weir_exposition::{
    Fault,
    text::{Line, Metadata, key_len, line, reading},
};

use super::{
    Failure,
    body::{Work, shortened},
    families::MAX_FAMILIES,
    known::Role,
    reasons::TOO_MANY_FAMILIES,
};

impl Work<'_> {
    /// Takes the next line.
    #[inline]
    pub(super) fn take(&mut self, line: Result<&[u8], Fault>) -> Result<(), Failure> {
        self.line += 1;
        match line {
            Ok(line) if self.checker.is_none() && !self.has_ended => self.take_line(line),
            other => self.take_with_care(other),
        }
    }

    /// Takes a line in strict mode, or where something is wrong.
    #[cold]
    fn take_with_care(&mut self, line: Result<&[u8], Fault>) -> Result<(), Failure> {
        let line = match line {
            Ok(line) => line,
            Err(fault) => return self.refuse_line(b"", fault),
        };
        if let Some(checker) = &mut self.checker {
            if let Err(fault) = checker.take(line) {
                return self.refuse_line(line, fault);
            }
        } else if self.has_ended {
            return if line.is_empty() { Ok(()) } else { self.refuse_line(line, Fault::AfterEnd) };
        }
        self.take_line(line)
    }

    /// What followed last time is tried first.
    #[inline]
    fn take_line(&mut self, text: &[u8]) -> Result<(), Failure> {
        if let Some((at, entry)) = self.target.lines.predict(self.family, text) {
            let rest = &text[entry.len()..];
            match entry.value.role {
                Role::Family(family) => {
                    if rest.is_empty() {
                        self.target.lines.advance(at);
                        self.enter(at, family);
                        return Ok(());
                    }
                }
                _ => {
                    if let Ok(reading) = reading(rest, self.syntax) {
                        self.target.lines.advance(at);
                        return self.known(at, &reading);
                    }
                }
            }
        }
        self.look_up(text)
    }

    fn look_up(&mut self, text: &[u8]) -> Result<(), Failure> {
        if text.first() == Some(&b'#') {
            if let Some(at) = self.target.lines.find(self.family, text)
                && let Role::Family(family) = self.target.lines.entries()[at as usize].value.role
            {
                self.enter(at, family);
                return Ok(());
            }
        } else if let Some(key) = key_len(text)
            && let Some(at) = self.target.lines.find(self.family, &text[..key])
        {
            return match reading(&text[key..], self.syntax) {
                Ok(reading) => self.known(at, &reading),
                Err(fault) => self.refuse_line(text, fault),
            };
        }
        self.learn(text)
    }

    /// A family comes into force by a known line.
    #[inline]
    fn enter(&mut self, at: u32, family: u32) {
        if let Some(line) = self.target.lines.value_mut(at) {
            line.seen = self.target.scrape;
        }
        self.family = family;
        self.target.families.declare(family, self.target.scrape);
    }

    /// A line that was not there before.
    #[cold]
    fn learn(&mut self, text: &[u8]) -> Result<(), Failure> {
        match line(text, self.syntax) {
            Ok(Line::Blank | Line::Comment) => Ok(()),
            Ok(Line::End) => {
                self.has_ended = true;
                Ok(())
            }
            Ok(Line::Metadata(metadata)) => self.learn_family(text, &metadata),
            Ok(Line::Sample(sample)) => {
                let text = &text[..sample.key_len];
                self.learn_sample(text, &sample.name, &sample.labels, &sample.reading)
            }
            Err(fault) => self.refuse_line(text, fault),
        }
    }

    fn learn_family(&mut self, text: &[u8], metadata: &Metadata<'_>) -> Result<(), Failure> {
        let Some(family) = self.target.families.after(self.family, metadata) else {
            return self
                .refuse(TOO_MANY_FAMILIES, |_| format!("more than {MAX_FAMILIES}: {}", shortened(text)));
        };
        self.target.remember(self.family, text, Role::Family(family));
        self.family = family;
        self.target.families.declare(family, self.target.scrape);
        Ok(())
    }
}
