//! The machine that the lab is: QEMU in a namespace of its own, with Xen and dom0.

use core::time::Duration;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use super::console::{Console, Voice};
use super::files::io;
use crate::install;

// The lab's files. QEMU runs in their folder, as it takes neither spaces nor commas in their paths.
pub(crate) const XEN: &str = "xen";
pub(crate) const KERNEL: &str = "vmlinux";
pub(crate) const INITRAMFS: &str = "dom0.cpio";
pub(crate) const DISK: &str = "job.img";
/// What was said, with the time of each line.
const LOG: &str = "serial.log";

const QEMU: &str = "qemu-system-x86_64";
/// From power-on to dom0 takes five seconds on a machine that does nothing else.
const START: Duration = Duration::from_secs(120);
/// For a command in dom0.
const COMMAND: Duration = Duration::from_secs(60);

/// Makes the wire and becomes QEMU, which is to die with us, whatever we die of.
const POWER_ON: &str = "ip tuntap add dev wire0 mode tap && ip address add 10.0.0.1/24 dev wire0 &&
    ip link set wire0 up && exec setpriv --pdeathsig KILL nice \"$@\"";

/// An AMD processor that can virtualise (Debian's Xen needs nested paging for a PVH guest) and has a
/// random number generator (without, `xl` waits for Linux's entropy).
const PROCESSOR: &str = "qemu64,+svm,+npt,+rdrand";
/// What guards against other guests on the same processor is left out: here it only costs time.
const XEN_OPTIONS: &str = "console=com1 com1=115200,8n1 bootscrub=off spec-ctrl=no xpti=no \
    pv-l1tf=no ucode=no watchdog=0 cpuidle=no cpufreq=none sched=credit loglvl=warning \
    guest_loglvl=warning dom0_max_vcpus=1 dom0_mem=384M,max:384M";
const KERNEL_OPTIONS: &str =
    "console=hvc0 mitigations=off quiet panic=1 random.trust_cpu=on swiotlb=2048 net.ifnames=0";

/// The machine, powered on. It is powered off when dropped.
pub(crate) struct Machine {
    qemu: Child,
    keyboard: ChildStdin,
    pub(crate) console: Console,
}

/// What this machine lacks for such a machine, if it does.
pub(crate) fn refused() -> Option<String> {
    if !install::exists(QEMU) {
        return Some(format!("{QEMU} is missing (qemu-system-x86)"));
    }
    let namespace = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net"])
        .args(["test", "-w", "/dev/net/tun"])
        .stderr(Stdio::null())
        .status();
    let allowed = namespace.is_ok_and(|status| status.success());
    (!allowed).then(|| "no namespace, or no /dev/net/tun".to_owned())
}

impl Machine {
    /// Powers on with the files in `folder`, and waits for dom0; tells how long that took.
    pub(crate) fn start(folder: &Path) -> Result<(Self, Duration), String> {
        let log = folder.join(LOG);
        let log = File::create(&log).map_err(io(&log))?;
        let mut qemu = qemu(folder)
            .spawn()
            .map_err(|error| format!("cannot run unshare: {error}"))?;
        let (Some(keyboard), Some(screen)) = (qemu.stdin.take(), qemu.stdout.take()) else {
            return Err("QEMU came without pipes".to_owned());
        };
        let mut machine = Self {
            qemu,
            keyboard,
            console: Console::of(screen, log),
        };
        let mut dom0 = machine.console.voice("dom0");
        let ready = machine.console.hear(&mut dom0, "ready", START)?;
        Ok((machine, ready.at))
    }

    /// The process that the lab is, and whose namespace its network is in.
    pub(crate) fn process(&self) -> u32 {
        self.qemu.id()
    }

    /// Runs a command of the shell in dom0, to its end; it has to succeed. (Xen's serial port takes
    /// 127 bytes at a time.)
    pub(crate) fn in_dom0(&mut self, command: &str) -> Result<(), String> {
        self.tell_dom0(command).map(|_| ())
    }

    /// Runs a program in dom0 and tells what it says.
    pub(crate) fn ask(&mut self, program: &str) -> Result<String, String> {
        let mut voice = self.tell_dom0(&format!("say {program}"))?;
        let said = self.console.said(&mut voice);
        let lines = said.lines().filter(|line| !line.starts_with("ended with "));
        Ok(lines.map(|line| format!("{line}\n")).collect())
    }

    /// The voice begins with what the command says.
    fn tell_dom0(&mut self, command: &str) -> Result<Voice, String> {
        let mut dom0 = self.console.voice("dom0");
        let beginning = dom0.clone();
        writeln!(self.keyboard, "{command}")
            .and_then(|()| self.keyboard.flush())
            .map_err(|error| format!("QEMU takes no input: {error}"))?;
        let ended = self.console.hear(&mut dom0, "ended with ", COMMAND)?;
        match ended.text.as_str() {
            "ended with 0" => Ok(beginning),
            _ => Err(format!("in dom0: {command}: {}", ended.text)),
        }
    }

    /// Runs a program at the wire's other end, and tells what it says. It has to succeed.
    pub(crate) fn outside(&self, program: &[&str]) -> Result<String, String> {
        let done = self.begin_outside(program)?.wait_with_output();
        let done = done.map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        match done.status.success() {
            true => Ok(said),
            false => Err(format!(
                "at the wire's other end: {}: {said}{}",
                program.join(" "),
                String::from_utf8_lossy(&done.stderr),
            )),
        }
    }

    /// Begins to run a program at the wire's other end, for two minutes at most.
    pub(crate) fn begin_outside(&self, program: &[&str]) -> Result<Child, String> {
        let mut enter = Command::new("nsenter");
        enter
            .args(["--preserve-credentials", "--user", "--net", "--target"])
            .arg(self.qemu.id().to_string())
            .args(["timeout", "120"])
            .args(program)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = enter.spawn();
        child.map_err(|error| format!("cannot run nsenter: {error}"))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

/// QEMU in its namespace, not yet started. Each of the programs before it becomes the next one, so
/// the process that is started is QEMU in the end.
fn qemu(folder: &Path) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--net"])
        .args(["sh", "-c", POWER_ON, "sh", QEMU])
        .args(["-nodefaults", "-no-user-config", "-no-reboot"])
        .args(["-display", "none", "-serial", "stdio"])
        // One thread, and room for what it translates: Xen, dom0 and guests are much code.
        .args(["-machine", "pc", "-accel", "tcg,thread=single,tb-size=512"])
        .args(["-cpu", PROCESSOR, "-smp", "1", "-m", "1024M"])
        .arg("-netdev")
        .arg("tap,id=wire,ifname=wire0,script=no,downscript=no,vnet_hdr=on")
        .args(["-device", "virtio-net-pci,netdev=wire,romfile="])
        .arg("-drive")
        .arg(format!("file={DISK},if=none,id=job,format=raw,readonly=on"))
        .args(["-device", "virtio-blk-pci,drive=job"])
        .args(["-kernel", XEN, "-append", XEN_OPTIONS, "-initrd"])
        .arg(format!("{KERNEL} {KERNEL_OPTIONS},{INITRAMFS}"))
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // Not what a Ctrl-C goes to.
        .process_group(0);
    command
}
