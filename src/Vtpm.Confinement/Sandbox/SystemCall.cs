namespace Vtpm.Confinement;

/// <summary>A Linux system call's numbers.</summary>
/// <param name="x64">On x86-64; -1 where it has none.</param>
/// <param name="arm64">On arm64, as on all newer architectures; -1 where it has none.</param>
internal readonly struct SystemCall(int x64, int arm64)
{
    public int X64 { get; } = x64;

    public int Arm64 { get; } = arm64;

    public static SystemCall Read => new(0, 63);
    public static SystemCall Write => new(1, 64);
    public static SystemCall Writev => new(20, 66);
    public static SystemCall PRead64 => new(17, 67);
    public static SystemCall PWrite64 => new(18, 68);
    public static SystemCall Fsync => new(74, 82);
    public static SystemCall Fdatasync => new(75, 83);
    public static SystemCall Lseek => new(8, 62);
    public static SystemCall Close => new(3, 57);
    public static SystemCall Fstat => new(5, 80);
    public static SystemCall Fcntl => new(72, 25);
    public static SystemCall Ioctl => new(16, 29);

    public static SystemCall Sendto => new(44, 206);
    public static SystemCall Recvfrom => new(45, 207);
    public static SystemCall Recvmsg => new(47, 212);
    public static SystemCall Shutdown => new(48, 210);
    public static SystemCall Accept => new(43, 202);
    public static SystemCall Accept4 => new(288, 242);
    public static SystemCall Getsockopt => new(55, 209);
    public static SystemCall Setsockopt => new(54, 208);
    public static SystemCall Getsockname => new(51, 204);
    public static SystemCall Getpeername => new(52, 205);

    public static SystemCall Poll => new(7, -1);
    public static SystemCall Ppoll => new(271, 73);
    public static SystemCall Select => new(23, -1);
    public static SystemCall Pselect6 => new(270, 72);
    public static SystemCall EpollWait => new(232, -1);
    public static SystemCall EpollPwait => new(281, 22);
    public static SystemCall EpollPwait2 => new(441, 441);
    public static SystemCall EpollCtl => new(233, 21);

    public static SystemCall Futex => new(202, 98);
    public static SystemCall SetRobustList => new(273, 99);
    public static SystemCall Rseq => new(334, 293);
    public static SystemCall Membarrier => new(324, 283);
    public static SystemCall SchedYield => new(24, 124);
    public static SystemCall SchedGetaffinity => new(204, 123);
    public static SystemCall Getcpu => new(309, 168);
    public static SystemCall Nanosleep => new(35, 101);
    public static SystemCall ClockNanosleep => new(230, 115);
    public static SystemCall ClockGettime => new(228, 113);
    public static SystemCall ClockGetres => new(229, 114);
    public static SystemCall Gettimeofday => new(96, 169);
    public static SystemCall Time => new(201, -1);
    public static SystemCall Getrandom => new(318, 278);
    public static SystemCall RestartSyscall => new(219, 128);
    public static SystemCall Clone => new(56, 220);
    public static SystemCall Clone3 => new(435, 435);
    public static SystemCall SetTidAddress => new(218, 96);
    public static SystemCall Prctl => new(157, 167);

    public static SystemCall Mmap => new(9, 222);
    public static SystemCall Mprotect => new(10, 226);
    public static SystemCall Mremap => new(25, 216);
    public static SystemCall Munmap => new(11, 215);
    public static SystemCall Brk => new(12, 214);
    public static SystemCall Madvise => new(28, 233);

    public static SystemCall RtSigaction => new(13, 134);
    public static SystemCall RtSigprocmask => new(14, 135);
    public static SystemCall RtSigreturn => new(15, 139);
    public static SystemCall Sigaltstack => new(131, 132);
    public static SystemCall Tgkill => new(234, 131);

    public static SystemCall Getpid => new(39, 172);
    public static SystemCall Gettid => new(186, 178);
    public static SystemCall Getppid => new(110, 173);
    public static SystemCall Getuid => new(102, 174);
    public static SystemCall Geteuid => new(107, 175);
    public static SystemCall Getgid => new(104, 176);
    public static SystemCall Getegid => new(108, 177);
    public static SystemCall Exit => new(60, 93);
    public static SystemCall ExitGroup => new(231, 94);
    public static SystemCall Prlimit64 => new(302, 261);
    public static SystemCall Getrlimit => new(97, 163);
    public static SystemCall Sysinfo => new(99, 179);
    public static SystemCall Getrusage => new(98, 165);

    public static SystemCall Open => new(2, -1);
    public static SystemCall Openat => new(257, 56);
    public static SystemCall Stat => new(4, -1);
    public static SystemCall Lstat => new(6, -1);
    public static SystemCall Newfstatat => new(262, 79);
    public static SystemCall Statx => new(332, 291);
    public static SystemCall Access => new(21, -1);
    public static SystemCall Faccessat => new(269, 48);
    public static SystemCall Faccessat2 => new(439, 439);
    public static SystemCall Readlink => new(89, -1);
    public static SystemCall Readlinkat => new(267, 78);
    public static SystemCall Getcwd => new(79, 17);
    public static SystemCall Statfs => new(137, 43);
    public static SystemCall Fstatfs => new(138, 44);
    public static SystemCall Getdents64 => new(217, 61);
    public static SystemCall Dup => new(32, 23);
    public static SystemCall Dup3 => new(292, 24);
    public static SystemCall Pipe2 => new(293, 59);
    public static SystemCall Eventfd2 => new(290, 19);
    public static SystemCall Uname => new(63, 160);
    public static SystemCall Times => new(100, 153);
    public static SystemCall Mincore => new(27, 232);
    public static SystemCall Mlock => new(149, 228);
    public static SystemCall GetMempolicy => new(239, 236);
    public static SystemCall Mbind => new(237, 235);
    public static SystemCall SetMempolicy => new(238, 237);
    public static SystemCall SchedSetaffinity => new(203, 122);
    public static SystemCall SchedGetparam => new(143, 121);
    public static SystemCall SchedGetscheduler => new(145, 120);
    public static SystemCall Getpriority => new(140, 141);
    public static SystemCall ArchPrctl => new(158, -1);
    public static SystemCall MapShadowStack => new(453, 453);

    public static SystemCall Seccomp => new(317, 277);
}
