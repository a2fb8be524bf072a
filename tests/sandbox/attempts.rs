//! Everything that the sandbox forbids, tried: once with capabilities given up only, once confined.
//!
//! Each attempt is harmless where it succeeds. Safe functions of other crates make the calls, so
//! those that have none (bpf, keyctl, io_uring …) are not tried here.

use std::fs::{self, File, Permissions};
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::SystemTime;

use nix::sched::CloneFlags;
use nix::sys::uio::RemoteIoVec;
use nix::unistd::Pid;
use nodeward::sandbox::{self, Needs, SandboxMode};
use rustix::net::{AddressFamily, Protocol, SendFlags, SocketType};

/// Where attempts are made: `DIR UPSTREAM_PORT OTHER_PORT ABSTRACT_NAME` of the command line.
pub(crate) struct Place {
    directory: PathBuf,
    upstream: u16,
    elsewhere: u16,
    abstract_name: String,
}

type Attempt = (&'static str, fn(&Place) -> io::Result<()>);

/// `attempt confined|named|free DIR …`: a line `THREAD<tab>ATTEMPT<tab>ERRNO` for each.
pub(crate) fn main(words: &[String]) -> ExitCode {
    let [how, directory, upstream, elsewhere, name] = words else { panic!("{words:?}") };
    let place = Place {
        directory: directory.into(),
        upstream: upstream.parse().unwrap(),
        elsewhere: elsewhere.parse().unwrap(),
        abstract_name: name.clone(),
    };
    let needs = Needs {
        upstream_port: place.upstream,
        kubelet_port: None,
        resolves_names: how == "named",
        plugin: None,
    };
    let unprivileged = sandbox::begin(SandboxMode::Require).unwrap();
    // The token lives as long as what it stands for is used.
    let _sandboxed = (how != "free").then(|| unprivileged.confine(&needs).unwrap());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let place = std::sync::Arc::new(place);
    let (for_worker, for_blocking) = (place.clone(), place.clone());
    try_all("main", &place);
    runtime.block_on(async {
        tokio::spawn(async move { try_all("worker", &for_worker) }).await.unwrap();
        tokio::task::spawn_blocking(move || try_all("blocking", &for_blocking)).await.unwrap();
    });
    ExitCode::SUCCESS
}

fn try_all(thread: &str, place: &Place) {
    for (name, attempt) in ATTEMPTS {
        let errno = match attempt(place) {
            Ok(()) => 0,
            Err(error) => error.raw_os_error().unwrap_or_else(|| panic!("{name}: {error}")),
        };
        println!("{thread}\t{name}\t{errno}");
    }
}

pub(crate) const ATTEMPTS: [Attempt; 35] = [
    ("read a file", |place| fs::read(place.file()).map(drop)),
    ("write the state directory", |place| fs::write(place.directory.join("state/a"), "x")),
    ("connect to the API server", |place| connect(place.upstream)),
    ("send a datagram to a path", |place| {
        let socket = std::os::unix::net::UnixDatagram::unbound()?;
        socket.send_to(b"x", place.directory.join("notify")).map(drop)
    }),
    ("write to a file in memory", |_| {
        // As large records reach the journal.
        let memory = rustix::fs::memfd_create("record", rustix::fs::MemfdFlags::CLOEXEC)?;
        Ok(rustix::io::write(&memory, b"x").map(drop)?)
    }),
    ("create a file", |place| fs::write(place.directory.join("new"), "x")),
    ("write a file", |place| File::options().append(true).open(place.file()).map(drop)),
    ("empty a file", |place| File::create(place.file()).map(drop)),
    ("make a directory", |place| fs::create_dir(place.directory.join(unique("sub")))),
    ("make a link", |place| std::os::unix::fs::symlink("x", place.directory.join(unique("link")))),
    ("rename a file", |place| {
        fs::rename(place.file(), place.directory.join("renamed"))?;
        fs::rename(place.directory.join("renamed"), place.file())
    }),
    ("change a file's mode", |place| {
        fs::set_permissions(place.file(), Permissions::from_mode(0o600))
    }),
    ("change a file's owner", |place| std::os::unix::fs::chown(place.file(), Some(0), None)),
    ("change a file's times", |place| File::open(place.file())?.set_modified(SystemTime::now())),
    ("write to a device", |_| File::options().write(true).open("/dev/null").map(drop)),
    ("connect to another port", |place| connect(place.elsewhere)),
    ("connect with the first packet", |place| {
        let socket = tcp(None)?;
        let fast_open = SendFlags::from_bits_retain(0x2000_0000);
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, place.elsewhere));
        Ok(rustix::net::sendto(&socket, b"x", fast_open, &to).map(drop)?)
    }),
    ("connect to an abstract socket", |place| {
        let address = UnixAddress::from_abstract_name(&place.abstract_name)?;
        UnixStream::connect_addr(&address).map(drop)
    }),
    ("bind a port", |_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map(drop)),
    ("listen without binding", |_| Ok(rustix::net::listen(tcp(None)?, 1)?)),
    ("a UDP socket", |_| socket(AddressFamily::INET, SocketType::DGRAM)),
    ("a netlink socket", |_| socket(AddressFamily::NETLINK, SocketType::RAW)),
    ("a sequential unix socket", |_| socket(AddressFamily::UNIX, SocketType::SEQPACKET)),
    ("an MPTCP socket", |_| tcp(std::num::NonZeroU32::new(262).map(Protocol::from_raw)).map(drop)),
    ("start a program", |_| Command::new("/bin/true").status().map(drop)),
    ("become a program", |_| Err(Command::new("/nonexistent/program").exec())),
    ("signal another process", |_| Ok(nix::sys::signal::kill(Pid::parent(), None)?)),
    ("trace a process", |_| Ok(nix::sys::ptrace::cont(Pid::this(), None)?)),
    ("read a process's memory", |_| {
        let secret = [7_u8; 4];
        let mut copy = [0_u8; 4];
        let remote = RemoteIoVec { base: secret.as_ptr().addr(), len: secret.len() };
        let local = &mut [IoSliceMut::new(&mut copy)];
        Ok(nix::sys::uio::process_vm_readv(Pid::this(), local, &[remote]).map(drop)?)
    }),
    ("write a process's memory", |_| {
        let victim = [0_u8; 4];
        let remote = RemoteIoVec { base: victim.as_ptr().addr(), len: victim.len() };
        let local = &[IoSlice::new(&[0; 4])];
        Ok(nix::sys::uio::process_vm_writev(Pid::this(), local, &[remote]).map(drop)?)
    }),
    ("take hold of a process", |_| {
        let own = rustix::process::getpid();
        Ok(rustix::process::pidfd_open(own, rustix::process::PidfdFlags::empty()).map(drop)?)
    }),
    ("a namespace of its own", |_| Ok(nix::sched::unshare(CloneFlags::CLONE_NEWUSER)?)),
    ("make memory executable", |_| {
        memmap2::MmapMut::map_anon(4096).and_then(memmap2::MmapMut::make_exec).map(drop)
    }),
    ("change its personality", |_| {
        let now = nix::sys::personality::get()?;
        Ok(nix::sys::personality::set(now).map(drop)?)
    }),
    ("start a thread", |_| std::thread::Builder::new().spawn(|| {}).map(drop)),
];

impl Place {
    fn file(&self) -> PathBuf {
        self.directory.join("file")
    }
}

/// Every thread makes a new one.
fn unique(name: &str) -> PathBuf {
    Path::new(name).with_extension(format!("{:?}", std::thread::current().id()))
}

fn connect(port: u16) -> io::Result<()> {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map(drop)
}

fn tcp(protocol: Option<Protocol>) -> io::Result<std::os::fd::OwnedFd> {
    Ok(rustix::net::socket(AddressFamily::INET, SocketType::STREAM, protocol)?)
}

fn socket(family: AddressFamily, kind: SocketType) -> io::Result<()> {
    if family == AddressFamily::INET && kind == SocketType::DGRAM {
        // As a resolver does it: connected, never bound.
        let socket = rustix::net::socket(family, kind, None)?;
        let socket = UdpSocket::from(socket);
        return socket.connect((Ipv4Addr::LOCALHOST, 53));
    }
    Ok(rustix::net::socket(family, kind, None).map(drop)?)
}
