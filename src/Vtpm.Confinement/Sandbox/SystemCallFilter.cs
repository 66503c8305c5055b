using static Vtpm.Confinement.FilterCondition;
using Call = Vtpm.Confinement.SystemCall;

namespace Vtpm.Confinement;

/// <summary>
/// What a vTPM may ask of the kernel once it serves guests: memory without code, time, random numbers, its own threads, and the descriptors that it has.
/// </summary>
/// <remarks>
/// There are three answers. What is needed is allowed. What the runtime or the C library may try and can do without is refused with an error: which of
/// them do differs from release to release, and none of it is dangerous when it fails. Everything else ends the process. docs/adr/0015-confinement.md
/// </remarks>
internal static class SystemCallFilter
{
    private const int NotPermitted = 1;     // EPERM
    private const int NoAccess = 13;        // EACCES
    private const int NotATerminal = 25;    // ENOTTY
    private const int NoSeeking = 29;       // ESPIPE
    private const int NotImplemented = 38;  // ENOSYS

    /// <summary>The last call that was looked at (Linux 6.18). A C library that tries a newer one takes the answer of an older kernel.</summary>
    private const int LastKnown = 469;

    private const uint ProtectExecute = 4;

    /// <summary>
    /// MAP_TYPE, MAP_GROWSDOWN and MAP_HUGETLB: only private mappings, which RLIMIT_DATA counts, and which write to no file.
    /// </summary>
    private const uint MapFlags = 0x4010F;
    private const uint MapPrivate = 2;

    /// <summary>What the C library makes a thread with: memory, files, signal handlers shared, and no name space new. CLONE_DETACHED means nothing.</summary>
    private const uint ThreadFlags = 0x3D0F00;
    private const uint CloneDetached = 0x400000;

    /// <summary>O_ACCMODE, O_CREAT, O_TRUNC and the bit of O_TMPFILE: all that can change a file.</summary>
    private const uint OpenToWrite = 0x3 | 0x40 | 0x200 | 0x400000;
    private const uint Append = 0x400;

    /// <summary>
    /// Not standard output or error, which are also those of whoever has started this process: a log that is a socket, as systemd's, and that was shut
    /// down here would be silent for all of them.
    /// </summary>
    private static readonly FilterCondition[] NoLog = [Differs(0, 1), Differs(0, 2)];

    private static readonly FilterAction Denied = FilterAction.Refuse(NotPermitted);
    private static readonly FilterAction Closed = FilterAction.Refuse(NoAccess);

    /// <summary>Writes the rules into a filter, in the numbers of its architecture.</summary>
    public static FilterProgram Describe(FilterProgram filter, SealOptions options, int processId)
    {
        filter.Above(LastKnown, FilterAction.Refuse(NotImplemented));
        // Those of every command first: the kernel goes through them in this order.
        filter.Add(FilterAction.Allow,
            Call.Poll, Call.Ppoll, Call.Recvmsg, Call.Recvfrom, Call.Read, Call.Futex, Call.ClockGettime, Call.Getrandom, Call.Fsync, Call.Fdatasync);
        AddDescriptors(filter, options);
        AddSockets(filter, options);
        AddMemory(filter);
        AddThreads(filter, processId);
        AddRefused(filter);
        return filter;
    }

    private static void AddDescriptors(FilterProgram filter, SealOptions options)
    {
        // Files are written at positions within their length, and never to where they end: a vTPM fills no disk.
        FilterCondition[][] within = [.. options.Files.Select(file => new[]
            { Int(0, file.Descriptor), Below(2, (ulong)file.Length + 1), Below(3, (ulong)file.Length) })];
        FilterCondition[] elsewhere = [.. options.Files.Select(file => Differs(0, file.Descriptor))];
        filter.AllowIf(Call.PWrite64, FilterAction.Kill, within);
        filter.AllowIf(Call.Write, FilterAction.Kill, elsewhere);
        filter.AllowIf(Call.Writev, FilterAction.Kill, elsewhere);
        filter.Add(FilterAction.Allow, Call.PRead64, Call.Close, Call.Fstat);
        // A log that is a file is written on at its end, and never over: where it is may be asked (SEEK_CUR) and not changed. The base library sets the
        // positions of the own files, which mean nothing where write is not allowed.
        FilterCondition[][] seeking = [[Zero(1), Int(2, 1)], .. options.Files.Select(file => new[] { Int(0, file.Descriptor) })];
        filter.AllowIf(Call.Lseek, FilterAction.Refuse(NoSeeking), seeking);
        filter.AllowIf(Call.Fcntl, Denied,
            [Int(1, 1)],                            // F_GETFD
            [Int(1, 2)],                            // F_SETFD
            [Int(1, 3)],                            // F_GETFL
            [Int(1, 4), Masked(2, Append, 0), .. NoLog]);     // F_SETFL: what is appended needs no position
        filter.AllowIf(Call.Ioctl, FilterAction.Refuse(NotATerminal), [Int(1, 0x541B)], [Int(1, 0x5421), .. NoLog]);      // FIONREAD, FIONBIO
    }

    private static void AddSockets(FilterProgram filter, SealOptions options)
    {
        filter.Add(FilterAction.Allow,
            Call.Getsockopt, Call.Getsockname, Call.Getpeername, Call.Select, Call.Pselect6, Call.EpollWait, Call.EpollPwait,
            Call.EpollPwait2, Call.EpollCtl);
        filter.AllowIf(Call.Shutdown, FilterAction.Kill, NoLog);
        // To the other end alone. There is no sendmsg, which can name another, and send descriptors.
        filter.AllowIf(Call.Sendto, FilterAction.Kill, [Zero(4)]);
        const int socketLevel = 1, tcpLevel = 6;
        filter.AllowIf(Call.Setsockopt, Denied,
            [Int(1, socketLevel), Int(2, 20)],      // SO_RCVTIMEO
            [Int(1, socketLevel), Int(2, 21), .. NoLog],    // SO_SNDTIMEO
            [Int(1, socketLevel), Int(2, 9)],       // SO_KEEPALIVE
            [Int(1, tcpLevel), Int(2, 1)]);         // TCP_NODELAY
        if (options.AcceptsConnections) filter.Add(FilterAction.Allow, Call.Accept, Call.Accept4);
    }

    private static void AddMemory(FilterProgram filter)
    {
        filter.Add(FilterAction.Allow, Call.Munmap, Call.Brk, Call.Madvise, Call.Mremap);
        filter.AllowIf(Call.Mmap, FilterAction.Kill, [Masked(2, ProtectExecute, 0), Masked(3, MapFlags, MapPrivate)]);
        filter.AllowIf(Call.Mprotect, FilterAction.Kill, [Masked(2, ProtectExecute, 0)]);
    }

    private static void AddThreads(FilterProgram filter, int processId)
    {
        filter.Add(FilterAction.Allow,
            Call.SetRobustList, Call.Rseq, Call.Membarrier, Call.SchedYield, Call.SchedGetaffinity, Call.Getcpu, Call.Nanosleep, Call.ClockNanosleep,
            Call.ClockGetres, Call.Gettimeofday, Call.Time, Call.RestartSyscall, Call.SetTidAddress, Call.RtSigaction, Call.RtSigprocmask,
            Call.RtSigreturn, Call.Sigaltstack, Call.Getpid, Call.Gettid, Call.Getppid, Call.Getuid, Call.Geteuid, Call.Getgid, Call.Getegid,
            Call.Exit, Call.ExitGroup, Call.Getrlimit, Call.Sysinfo, Call.Getrusage);
        filter.AllowIf(Call.Clone, FilterAction.Kill, [Masked(0, ~CloneDetached, ThreadFlags)]);
        // Its flags are in memory, where no filter can see them; without it the C library uses the older one.
        filter.Add(FilterAction.Refuse(NotImplemented), Call.Clone3, Call.MapShadowStack);
        filter.AllowIf(Call.Tgkill, FilterAction.Kill, [Int(0, processId)]);
        filter.AllowIf(Call.Prctl, Denied, [Int(0, 15)]);      // PR_SET_NAME
        // The collector asks for RLIMIT_AS; nobody sets anything.
        filter.AllowIf(Call.Prlimit64, Denied, [Int(0, 0), Zero(2)]);
    }

    private static void AddRefused(FilterProgram filter)
    {
        // The collector looks at /proc/meminfo and the control group at times, and does without.
        filter.When(Call.Openat, Closed, FilterAction.Kill, [Masked(2, OpenToWrite, 0)]);
        filter.When(Call.Open, Closed, FilterAction.Kill, [Masked(1, OpenToWrite, 0)]);
        filter.Add(Closed,
            Call.Stat, Call.Lstat, Call.Newfstatat, Call.Statx, Call.Access, Call.Faccessat, Call.Faccessat2, Call.Readlink, Call.Readlinkat);
        filter.Add(Denied,
            Call.Getcwd, Call.Statfs, Call.Fstatfs, Call.Getdents64, Call.Dup, Call.Dup3, Call.Pipe2, Call.Eventfd2, Call.Uname, Call.Times, Call.Mincore,
            Call.Mlock, Call.GetMempolicy, Call.Mbind, Call.SetMempolicy, Call.SchedSetaffinity, Call.SchedGetparam, Call.SchedGetscheduler,
            Call.Getpriority, Call.ArchPrctl);
    }
}
