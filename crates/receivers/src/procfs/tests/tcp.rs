//! Connections: counted in files, and asked of the kernel.

use std::{
    collections::BTreeMap,
    fs, io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream},
    os::{
        fd::OwnedFd,
        unix::{fs::symlink, net::UnixDatagram},
    },
    path::Path,
};

use proptest::prelude::*;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, getsockname, listen, socket_with};
use weir_core::Number;
use weir_testkit::{Fixture, START, seconds};

use super::{
    super::{
        NetworkConfig, NetworkMetrics, Scrape, Scrapers, sock_diag,
        sock_diag::SockDiag,
        tcp::{self, Tally, Tcp},
        text,
        trouble::Troubles,
    },
    Machine, OFF, ON, expect, fixtures, listed,
    mutations::survives_mutations,
    readings, scrape,
};

fn connections() -> Scrapers {
    only(NetworkMetrics { connections: ON, ..none() })
}

fn none() -> NetworkMetrics {
    NetworkMetrics {
        io: OFF,
        packets: OFF,
        errors: OFF,
        dropped: OFF,
        connections: OFF,
        conntrack_count: OFF,
        conntrack_max: OFF,
    }
}

fn only(metrics: NetworkMetrics) -> Scrapers {
    Scrapers { network: listed(NetworkConfig { metrics, ..NetworkConfig::default() }), ..Scrapers::default() }
}

#[test]
fn connections_of_both_protocols_are_counted_by_state_and_states_without_any_are_zero() {
    expect(
        &scrape(&Machine::small(), connections()),
        "system.network.connections{protocol=tcp,state=ESTABLISHED} 1
         system.network.connections{protocol=tcp,state=SYN_SENT} 0
         system.network.connections{protocol=tcp,state=SYN_RECV} 1
         system.network.connections{protocol=tcp,state=FIN_WAIT1} 0
         system.network.connections{protocol=tcp,state=FIN_WAIT2} 0
         system.network.connections{protocol=tcp,state=TIME_WAIT} 1
         system.network.connections{protocol=tcp,state=CLOSE} 0
         system.network.connections{protocol=tcp,state=CLOSE_WAIT} 0
         system.network.connections{protocol=tcp,state=LAST_ACK} 0
         system.network.connections{protocol=tcp,state=LISTEN} 3
         system.network.connections{protocol=tcp,state=CLOSING} 0",
    );
}

#[test]
fn a_table_of_connections_that_is_far_longer_than_the_buffer_is_counted_to_its_end() {
    let machine = Machine::small();
    let (head, lines) = fixtures::NET_TCP.split_once('\n').unwrap();
    // 4 lines of some 150 bytes, 5000 times: 3 MB. Cut off in its last line, which then counts for nothing.
    let table = format!("{head}\n{}", lines.repeat(5000));
    machine.write("proc/1/net/tcp", &table[..table.len() - 3]);
    let readings = scrape(&machine, connections());
    let of = |state: &str| readings[&format!("system.network.connections{{protocol=tcp,state={state}}}")];
    assert_eq!((of("LISTEN"), of("ESTABLISHED")), (Number::Int(10_001), Number::Int(5000)));
    assert_eq!(of("SYN_RECV"), Number::Int(4999));
}

#[test]
fn a_kernel_without_ipv6_is_no_trouble() {
    let machine = Machine::small();
    machine.remove("proc/1/net/tcp6");
    let fixture = Fixture::new();
    let mut scrape = Scrape::new(&machine.config(connections()), &fixture.context("procfs")).unwrap();
    assert_eq!((readings(&fixture, &scrape.collect(seconds(START))).len(), scrape.troubles()), (11, 0));
}

#[test]
fn what_the_firewall_tracks_is_told_where_it_tracks() {
    let machine = Machine::small();
    let tracked = only(NetworkMetrics { conntrack_count: ON, conntrack_max: ON, ..none() });
    let fixture = Fixture::new();
    let mut scrape = Scrape::new(&machine.config(tracked), &fixture.context("procfs")).unwrap();
    assert_eq!((scrape.collect(seconds(START)).points(), scrape.troubles()), (0, 2));
    fs::create_dir_all(machine.root().join("proc/sys/net/netfilter")).unwrap();
    machine.write("proc/sys/net/netfilter/nf_conntrack_count", "12\n");
    machine.write("proc/sys/net/netfilter/nf_conntrack_max", "262144\n");
    expect(
        &readings(&fixture, &scrape.collect(seconds(START + 60))),
        "system.network.conntrack.count{} 12
         system.network.conntrack.max{} 262144",
    );
}

// The layout of netlink(7) and sock_diag(7), written by hand.

fn message(kind: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = 16 + body.len() as u32;
    let mut message = length.to_ne_bytes().to_vec();
    message.extend(kind.to_ne_bytes());
    message.extend(2_u16.to_ne_bytes());
    message.extend(sequence.to_ne_bytes());
    message.extend([0; 4]);
    message.extend(body);
    message.resize(message.len().next_multiple_of(4), 0);
    message
}

/// A socket at a port, with an attribute behind it.
fn told(state: u8, local: u16) -> Vec<u8> {
    let mut body = vec![2, state, 0, 0];
    body.extend(local.to_be_bytes());
    body.resize(72, 0);
    body.extend([5, 0, 8, 0, 0, 0, 0]);
    message(18, 1, &body)
}

fn done(status: i32) -> Vec<u8> {
    message(3, 1, &status.to_ne_bytes())
}

fn refusal(error: i32) -> Vec<u8> {
    message(2, 1, &(-error).to_ne_bytes())
}

/// States and local ports, and how it ended.
fn read(datagram: &[u8]) -> (Vec<(u8, u16)>, io::Result<bool>) {
    let mut sockets = Vec::new();
    let ended = sock_diag::read(datagram, 1, |socket| {
        sockets.push((socket.state, u16::from_be_bytes([socket.addresses[0][0], socket.addresses[0][1]])));
    });
    (sockets, ended)
}

#[test]
fn an_answer_holds_sockets_until_it_is_done() {
    let (sockets, ended) = read(&[told(10, 80), told(1, 443)].concat());
    assert_eq!((sockets, ended.unwrap()), (vec![(10, 80), (1, 443)], false));
    let (sockets, ended) = read(&[told(6, 22), done(0)].concat());
    assert_eq!((sockets, ended.unwrap()), (vec![(6, 22)], true));
}

#[test]
fn an_answer_that_is_none_is_an_error() {
    let cut = &told(10, 80)[..80];
    let short = message(18, 1, &[2, 10, 0, 0]);
    let of_another = message(3, 2, &[0; 4]);
    let unheard_of = message(99, 1, &[]);
    for foreign in [cut, &short, &of_another, &unheard_of, &[0; 16], &[1], &message(2, 1, &[0; 4])] {
        let (sockets, ended) = read(foreign);
        assert_eq!((sockets, ended.unwrap_err().kind()), (vec![], io::ErrorKind::InvalidData), "{foreign:?}");
    }
    let (_, ended) = read(&refusal(2));
    assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::NotFound);
    let (_, ended) = read(&done(-12));
    assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::OutOfMemory);
}

#[test]
fn broken_answers_are_no_panic() {
    let answer = [told(10, 80), told(1, 443), told(12, 22), done(0)].concat();
    survives_mutations(&answer, |answer| assert!(read(answer).0.len() <= answer.len() / 88));
}

proptest! {
    #[test]
    fn any_bytes_are_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(read(&bytes).0.len() <= bytes.len() / 88);
    }
}

/// Counts by an end of a pair of sockets, whose other end plays the kernel, and by the files of a machine.
fn counting(machine: &Machine) -> (Tcp, UnixDatagram) {
    let (ours, kernel) = UnixDatagram::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    kernel.set_nonblocking(true).unwrap();
    (Tcp::asking(SockDiag::over(OwnedFd::from(ours)), machine.root()), kernel)
}

#[test]
fn where_the_kernel_does_not_answer_files_are_read_from_then_on_and_that_is_no_trouble() {
    let machine = Machine::small();
    let part = told(10, 80);
    let too_long = [told(10, 80).repeat(500), done(0)].concat();
    let cases: [&[&[u8]]; 5] =
        [&[], &[&refusal(1)], &[&part, &refusal(12)], &[&part, b"garbage"], &[&too_long]];
    for answers in cases {
        let (mut tcp, kernel) = counting(&machine);
        for answer in answers {
            kernel.send(answer).unwrap();
        }
        let mut troubles = Troubles::new("procfs".into());
        for _ in 0..2 {
            let tally = tcp.count(&mut troubles).unwrap();
            // By the fixtures: of both versions together three listen, all at addresses of their own.
            let found = (tally.by_state.iter().sum::<u64>(), tally.by_state[10], tally.addresses_listening);
            assert_eq!((found, troubles.count()), ((6, 3, 3), 0));
        }
        let asked = std::iter::from_fn(|| kernel.recv(&mut [0; 100]).ok()).count();
        assert!(asked <= 1, "it was asked {asked} times");
    }
}

#[test]
fn what_the_kernel_answers_is_counted_over_all_parts_and_listening_addresses_once() {
    let (mut tcp, kernel) = counting(&Machine::small());
    kernel.send(&[told(10, 80), told(10, 80), told(1, 80)].concat()).unwrap();
    kernel.send(&[told(12, 80), told(10, 22), told(200, 1)].concat()).unwrap();
    kernel.send(&done(0)).unwrap();
    let tally = tcp.count(&mut Troubles::new("procfs".into())).unwrap();
    let mut by_state = [0; 12];
    (by_state[10], by_state[1], by_state[3]) = (3, 1, 1);
    assert_eq!(tally, Tally { by_state, addresses_listening: 2 });
}

/// How many sockets at any of `ports` are in each state, as the kernel answers and as its files say.
fn both_ways(ports: &[u16]) -> [BTreeMap<u8, usize>; 2] {
    let mut ways = [BTreeMap::new(), BTreeMap::new()];
    let mut count = |way: usize, at: [u16; 2], state: u8| {
        if at.iter().any(|port| ports.contains(port)) {
            *ways[way].entry(state).or_default() += 1;
        }
    };
    let asked = SockDiag::default().each(|socket| {
        let port = |at: usize| u16::from_be_bytes([socket.addresses[0][at], socket.addresses[0][at + 1]]);
        count(0, [port(0), port(2)], socket.state);
    });
    if let Err(error) = asked {
        println!("skipped: sockets by netlink ({error})");
        return [BTreeMap::new(), BTreeMap::new()];
    }
    for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
        for socket in text::lines(&fs::read(file).unwrap_or_default()).filter_map(|line| tcp::socket(4, line))
        {
            let port = |at: usize| {
                let text = std::str::from_utf8(socket.addresses[at]).unwrap();
                u16::from_str_radix(text.rsplit_once(':').unwrap().1, 16).unwrap()
            };
            count(1, [port(0), port(1)], socket.state);
        }
    }
    ways
}

/// Two connections to `address`: of one only the client has closed its end, of the other first the client and then the server.
fn half_closed_and_closed(address: SocketAddr) -> (TcpListener, TcpStream) {
    let listener = TcpListener::bind(address).unwrap();
    let client = || TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let server = || listener.accept().unwrap().0;
    let (first, half) = (client(), server());
    drop(first);
    let (second, whole) = (client(), server());
    drop(second);
    drop(whole);
    (listener, half)
}

#[test]
fn the_kernel_answers_what_its_files_say_in_each_state() {
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let (closing, _half) = half_closed_and_closed(loopback);
    let open = TcpListener::bind(loopback).unwrap();
    let address = open.local_addr().unwrap();
    let _connected = (TcpStream::connect(address).unwrap(), open.accept().unwrap());
    // Its queue has room for one: of the second connection the kernel does not hear.
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = || socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).unwrap();
    let full = socket();
    bind(&full, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
    listen(&full, 0).unwrap();
    let full_address = SocketAddrV4::try_from(getsockname(&full).unwrap()).unwrap();
    let waiting = [socket(), socket()];
    for waiting in &waiting {
        let _ = connect(waiting, &full_address); // in progress
    }
    let mut ports = vec![closing.local_addr().unwrap().port(), address.port(), full_address.port()];
    let six = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
    let _six = TcpListener::bind(six).is_ok().then(|| {
        let (listener, half) = half_closed_and_closed(six);
        ports.push(listener.local_addr().unwrap().port());
        (listener, half)
    });
    // SYN_RECV, FIN_WAIT1, LAST_ACK and CLOSING pass; the others stay for a minute and more.
    let [asked, read] = loop {
        let ways = both_ways(&ports);
        if ways.iter().all(|states| [3, 4, 9, 11].iter().all(|passing| !states.contains_key(passing))) {
            break ways;
        }
    };
    assert_eq!(asked, read);
    if !read.is_empty() {
        let states: Vec<u8> = read.keys().copied().collect();
        // ESTABLISHED, SYN_SENT, FIN_WAIT2, TIME_WAIT, CLOSE_WAIT, LISTEN
        assert_eq!(states, [1, 2, 5, 6, 8, 10], "{read:?}");
    }
}

#[test]
fn the_network_of_a_mounted_machine_is_known_for_the_own_one() {
    assert!(tcp::is_own(Path::new("/")));
    assert!(!tcp::is_own(Machine::small().root()), "a recorded machine is another");
    let machine = Machine::bare();
    let hostfs = machine.root().join("hostfs");
    fs::create_dir_all(&hostfs).unwrap();
    symlink("/proc", hostfs.join("proc")).unwrap();
    let file = |pid: &str| {
        fs::metadata(format!("/proc/{pid}/net/tcp"))
            .map(|file| std::os::unix::fs::MetadataExt::ino(&file))
            .ok()
    };
    // Where the first process is in another network, as in a namespace of the tests' own, it is not.
    assert_eq!(tcp::is_own(&hostfs), file("1") == file("self"));
}
