using Xunit;

namespace Vtpm.Confinement.Tests;

/// <summary>The list of system calls, tried in both architectures' numbers, which stand here as the kernel's headers have them.</summary>
public sealed class SystemCallFilterTests
{
    private const int OurProcess = 4711;
    private const int Image = 5;
    private const long ImageLength = 0x2_0000_0000;     // a block device of 8 GiB

    private static readonly FilterInstruction[] OnX64 = Build(FilterProgram.X64(), new SealOptions { Files = [new(Image, ImageLength)] });
    private static readonly FilterInstruction[] OnArm64 = Build(FilterProgram.Arm64(), new SealOptions { Files = [new(Image, ImageLength)] });

    [Theory]
    [InlineData("socket", 41, 198)]
    [InlineData("socketpair", 53, 199)]
    [InlineData("connect", 42, 203)]
    [InlineData("bind", 49, 200)]
    [InlineData("listen", 50, 201)]
    [InlineData("accept4", 288, 242)]
    [InlineData("sendmsg", 46, 211)]
    [InlineData("execve", 59, 221)]
    [InlineData("execveat", 322, 281)]
    [InlineData("ptrace", 101, 117)]
    [InlineData("process_vm_writev", 311, 271)]
    [InlineData("kill", 62, 129)]
    [InlineData("tkill", 200, 130)]
    [InlineData("rt_sigqueueinfo", 129, 138)]
    [InlineData("pidfd_send_signal", 424, 424)]
    [InlineData("pidfd_getfd", 438, 438)]
    [InlineData("setuid", 105, 146)]
    [InlineData("setresuid", 117, 147)]
    [InlineData("setgroups", 116, 159)]
    [InlineData("capset", 126, 91)]
    [InlineData("unshare", 272, 97)]
    [InlineData("setns", 308, 268)]
    [InlineData("mount", 165, 40)]
    [InlineData("chroot", 161, 51)]
    [InlineData("chmod, fchmodat", 90, 53)]
    [InlineData("rename, renameat2", 82, 276)]
    [InlineData("unlink, unlinkat", 87, 35)]
    [InlineData("mknod, mknodat", 133, 33)]
    [InlineData("ftruncate", 77, 46)]
    [InlineData("fallocate", 285, 47)]
    [InlineData("pwritev", 296, 70)]
    [InlineData("sendfile", 40, 71)]
    [InlineData("splice", 275, 76)]
    [InlineData("copy_file_range", 326, 285)]
    [InlineData("openat2", 437, 437)]
    [InlineData("open_by_handle_at", 304, 265)]
    [InlineData("memfd_create", 319, 279)]
    [InlineData("pkey_mprotect", 329, 288)]
    [InlineData("personality", 135, 92)]
    [InlineData("shmget", 29, 194)]
    [InlineData("msgget", 68, 186)]
    [InlineData("bpf", 321, 280)]
    [InlineData("perf_event_open", 298, 241)]
    [InlineData("userfaultfd", 323, 282)]
    [InlineData("io_uring_setup", 425, 425)]
    [InlineData("keyctl", 250, 219)]
    [InlineData("seccomp", 317, 277)]
    [InlineData("init_module", 175, 105)]
    [InlineData("kexec_load", 246, 104)]
    [InlineData("reboot", 169, 142)]
    public void Call_ThatIsDangerous_EndsTheProcess(string name, int x64, int arm64)
    {
        Assert.True(FilterAction.Kill == OnBoth(x64, arm64), name);
    }

    [Theory]
    [InlineData("fork", 57)]
    [InlineData("vfork", 58)]
    [InlineData("creat", 85)]
    [InlineData("ioperm", 173)]
    [InlineData("iopl", 172)]
    [InlineData("modify_ldt", 154)]
    [InlineData("uselib", 134)]
    public void Call_OfX64Alone_EndsTheProcess(string name, int x64) =>
        Assert.True(FilterAction.Kill == FilterMachine.Run(OnX64, FilterMachine.X64, x64), name);

    [Theory]
    [InlineData("read", 0, 63)]
    [InlineData("pread64", 17, 67)]
    [InlineData("fsync", 74, 82)]
    [InlineData("ppoll", 271, 73)]
    [InlineData("recvmsg", 47, 212)]
    [InlineData("recvfrom", 45, 207)]
    [InlineData("sendto", 44, 206)]
    [InlineData("shutdown", 48, 210)]
    [InlineData("close", 3, 57)]
    [InlineData("futex", 202, 98)]
    [InlineData("getrandom", 318, 278)]
    [InlineData("clock_gettime", 228, 113)]
    [InlineData("madvise", 28, 233)]
    [InlineData("munmap", 11, 215)]
    [InlineData("brk", 12, 214)]
    [InlineData("rt_sigaction", 13, 134)]
    [InlineData("rt_sigprocmask", 14, 135)]
    [InlineData("rt_sigreturn", 15, 139)]
    [InlineData("sigaltstack", 131, 132)]
    [InlineData("restart_syscall", 219, 128)]
    [InlineData("set_robust_list", 273, 99)]
    [InlineData("rseq", 334, 293)]
    [InlineData("membarrier", 324, 283)]
    [InlineData("sched_yield", 24, 124)]
    [InlineData("sched_getaffinity", 204, 123)]
    [InlineData("exit", 60, 93)]
    [InlineData("exit_group", 231, 94)]
    public void Call_ThatAVtpmNeeds_IsAllowed(string name, int x64, int arm64) => Assert.True(FilterAction.Allow == OnBoth(x64, arm64), name);

    [Theory]
    [InlineData("clone3", 435, 435, 38)]
    [InlineData("faccessat", 269, 48, 13)]
    [InlineData("newfstatat", 262, 79, 13)]
    [InlineData("readlinkat", 267, 78, 13)]
    [InlineData("dup", 32, 23, 1)]
    [InlineData("uname", 63, 160, 1)]
    [InlineData("one of a later kernel", 600, 600, 38)]
    public void Call_ThatALibraryMayTry_IsRefused(string name, int x64, int arm64, int error) =>
        Assert.True(FilterAction.Refuse(error) == OnBoth(x64, arm64), name);

    [Fact]
    public void Open_IsRefusedToReadAndEndsTheProcessToWrite()
    {
        const ulong here = unchecked((ulong)-100), path = 0x7fff_0000_0000;
        foreach (ulong flags in (ulong[])[0, 0x80000, 0x10000, 0x200000])     // O_RDONLY, O_CLOEXEC, O_DIRECTORY of x86-64, O_PATH
            Assert.Equal(FilterAction.Refuse(13), OnBoth(257, 56, here, path, flags));
        foreach (ulong flags in (ulong[])[1, 2, 3, 0x40, 0x200, 0x410000, 0x241])
            Assert.Equal(FilterAction.Kill, OnBoth(257, 56, here, path, flags));
        Assert.Equal(FilterAction.Refuse(13), FilterMachine.Run(OnX64, FilterMachine.X64, 2, path, 0));
        Assert.Equal(FilterAction.Kill, FilterMachine.Run(OnX64, FilterMachine.X64, 2, path, 2));
    }

    [Fact]
    public void Memory_IsPrivateAndWithoutCode()
    {
        const ulong read = 1, write = 2, execute = 4, shared = 1, privately = 2, anonymous = 0x20, growing = 0x100, fixedly = 0x10;
        Assert.Equal(FilterAction.Allow, Map(read | write, privately | anonymous));
        Assert.Equal(FilterAction.Allow, Map(0, privately | anonymous | fixedly));
        Assert.Equal(FilterAction.Kill, Map(read | execute, privately | anonymous));
        Assert.Equal(FilterAction.Kill, Map(read | write, shared | anonymous));
        Assert.Equal(FilterAction.Kill, Map(read | write, 3));       // MAP_SHARED_VALIDATE
        Assert.Equal(FilterAction.Kill, Map(read | write, privately | anonymous | growing));
        Assert.Equal(FilterAction.Allow, OnBoth(10, 226, 0x1000, 0x1000, read | write));
        Assert.Equal(FilterAction.Kill, OnBoth(10, 226, 0x1000, 0x1000, read | execute));

        static FilterAction Map(ulong protection, ulong flags) => OnBoth(9, 222, 0, 0x1000, protection, flags);
    }

    [Fact]
    public void Thread_IsAllowedAndNoProcess()
    {
        Assert.Equal(FilterAction.Allow, OnBoth(56, 220, 0x3D0F00));
        Assert.Equal(FilterAction.Allow, OnBoth(56, 220, 0x7D0F00));                // as musl does
        Assert.Equal(FilterAction.Kill, OnBoth(56, 220, 17));                       // fork: SIGCHLD alone
        Assert.Equal(FilterAction.Kill, OnBoth(56, 220, 0x4111));                   // CLONE_VM | CLONE_VFORK | SIGCHLD
        Assert.Equal(FilterAction.Kill, OnBoth(56, 220, 0x3D0F00 | 0x10000000));    // CLONE_NEWUSER
        Assert.Equal(FilterAction.Kill, OnBoth(56, 220, 0x3D0F00 & ~0x10000u));     // no CLONE_THREAD
    }

    [Fact]
    public void Signal_IsForOurselves()
    {
        Assert.Equal(FilterAction.Allow, OnBoth(234, 131, OurProcess, 1, 6));
        Assert.Equal(FilterAction.Kill, OnBoth(234, 131, OurProcess - 1, 1, 6));
    }

    [Fact]
    public void File_IsWrittenWithinItsLengthAlone()
    {
        Assert.Equal(FilterAction.Allow, Write(Image, 4096, 0));
        Assert.Equal(FilterAction.Allow, Write(Image, 4096, ImageLength - 1));
        Assert.Equal(FilterAction.Allow, Write(Image, 4096, 0x1_FFFF_FFFF));
        Assert.Equal(FilterAction.Allow, Write(Image, 4096, 0xFFFF_FFFF));
        Assert.Equal(FilterAction.Kill, Write(Image, 4096, ImageLength));
        Assert.Equal(FilterAction.Kill, Write(Image, 4096, 0x3_0000_0000));
        Assert.Equal(FilterAction.Kill, Write(Image, ImageLength + 1, 0));
        Assert.Equal(FilterAction.Kill, Write(Image, 1, ulong.MaxValue));
        Assert.Equal(FilterAction.Kill, Write(Image + 1, 4096, 0));
        Assert.Equal(FilterAction.Allow, OnBoth(1, 64, 1));
        Assert.Equal(FilterAction.Kill, OnBoth(1, 64, Image));
        Assert.Equal(FilterAction.Kill, OnBoth(20, 66, Image));

        static FilterAction Write(int descriptor, long count, ulong offset) => OnBoth(18, 68, (ulong)descriptor, 0x1000, (ulong)count, offset);
    }

    [Fact]
    public void Files_ThatAreSeveral_HaveTheirOwnLengths()
    {
        FilterInstruction[] filter = Build(FilterProgram.X64(), new SealOptions { Files = [new(5, 1000), new(6, 10)] });
        Assert.Equal(FilterAction.Allow, FilterMachine.Run(filter, FilterMachine.X64, 18, 5, 0, 20, 999));
        Assert.Equal(FilterAction.Allow, FilterMachine.Run(filter, FilterMachine.X64, 18, 6, 0, 10, 9));
        Assert.Equal(FilterAction.Kill, FilterMachine.Run(filter, FilterMachine.X64, 18, 6, 0, 10, 10));
        Assert.Equal(FilterAction.Kill, FilterMachine.Run(filter, FilterMachine.X64, 1, 5));
        Assert.Equal(FilterAction.Kill, FilterMachine.Run(filter, FilterMachine.X64, 1, 6));
        Assert.Equal(FilterAction.Allow, FilterMachine.Run(filter, FilterMachine.X64, 1, 7));
    }

    [Fact]
    public void File_ThatIsNone_IsNotWritten()
    {
        FilterInstruction[] filter = Build(FilterProgram.X64(), new SealOptions());
        Assert.Equal(FilterAction.Kill, FilterMachine.Run(filter, FilterMachine.X64, 18, 0, 0, 1, 0));
        Assert.Equal(FilterAction.Allow, FilterMachine.Run(filter, FilterMachine.X64, 1, 1));
    }

    [Fact]
    public void Descriptor_IsNotMadeToAppendNorCopiedNorMoved()
    {
        Assert.Equal(FilterAction.Allow, OnBoth(72, 25, 5, 3));             // F_GETFL
        Assert.Equal(FilterAction.Allow, OnBoth(72, 25, 5, 4, 0x802));      // F_SETFL, O_NONBLOCK
        Assert.Equal(FilterAction.Refuse(1), OnBoth(72, 25, 5, 4, 0x402));  // O_APPEND
        Assert.Equal(FilterAction.Refuse(1), OnBoth(72, 25, 5, 0));         // F_DUPFD
        Assert.Equal(FilterAction.Refuse(1), OnBoth(72, 25, 5, 1030));      // F_DUPFD_CLOEXEC
        Assert.Equal(FilterAction.Refuse(1), OnBoth(72, 25, 5, 8));         // F_SETOWN
        Assert.Equal(FilterAction.Allow, OnBoth(8, 62, 1, 0, 1));           // lseek, SEEK_CUR: asks where it is
        Assert.Equal(FilterAction.Refuse(29), OnBoth(8, 62, 1, 0, 0));
        Assert.Equal(FilterAction.Refuse(29), OnBoth(8, 62, 1, 1, 1));
        Assert.Equal(FilterAction.Refuse(29), OnBoth(8, 62, 1, 0, 2));
        Assert.Equal(FilterAction.Allow, OnBoth(8, 62, Image, 0, 0));
    }

    [Theory]
    [InlineData(1u)]
    [InlineData(2u)]
    public void Log_OfWhoeverHasStartedIt_IsLeftAsItIs(uint log)
    {
        Assert.Equal(FilterAction.Allow, OnBoth(48, 210, 3, 2));                    // shutdown
        Assert.Equal(FilterAction.Kill, OnBoth(48, 210, log, 2));
        Assert.Equal(FilterAction.Refuse(1), OnBoth(72, 25, log, 4, 0x802));        // F_SETFL, O_NONBLOCK
        Assert.Equal(FilterAction.Refuse(25), OnBoth(16, 29, log, 0x5421));         // FIONBIO
        Assert.Equal(FilterAction.Refuse(1), OnBoth(54, 208, log, 1, 21));          // SO_SNDTIMEO
    }

    [Fact]
    public void Control_IsLittle()
    {
        Assert.Equal(FilterAction.Allow, OnBoth(16, 29, 3, 0x541B));            // FIONREAD
        Assert.Equal(FilterAction.Refuse(25), OnBoth(16, 29, 0, 0x5412));       // TIOCSTI
        Assert.Equal(FilterAction.Allow, OnBoth(157, 167, 15));                 // PR_SET_NAME
        Assert.Equal(FilterAction.Refuse(1), OnBoth(157, 167, 4, 1));           // PR_SET_DUMPABLE
        Assert.Equal(FilterAction.Allow, OnBoth(302, 261, 0, 9, 0, 0x1000));
        Assert.Equal(FilterAction.Refuse(1), OnBoth(302, 261, 0, 9, 0x1000, 0));
        Assert.Equal(FilterAction.Refuse(1), OnBoth(302, 261, 0, 9, 0x1_0000_0000, 0));
        Assert.Equal(FilterAction.Refuse(1), OnBoth(302, 261, 1, 9, 0, 0x1000));
    }

    [Fact]
    public void Socket_SpeaksToItsOtherEndAlone()
    {
        Assert.Equal(FilterAction.Kill, OnBoth(44, 206, 3, 0x1000, 10, 0, 0x2000, 16));
        Assert.Equal(FilterAction.Kill, OnBoth(44, 206, 3, 0x1000, 10, 0, 0x1_0000_0000, 16));
        Assert.Equal(FilterAction.Allow, OnBoth(54, 208, 3, 1, 20));
        Assert.Equal(FilterAction.Refuse(1), OnBoth(54, 208, 3, 1, 26));        // SO_ATTACH_FILTER
        FilterInstruction[] listening = Build(FilterProgram.Arm64(), new SealOptions { AcceptsConnections = true });
        Assert.Equal(FilterAction.Allow, FilterMachine.Run(listening, FilterMachine.Arm64, 242));
    }

    [Fact]
    public void Architecture_OfOtherPrograms_EndsTheProcess()
    {
        const uint i386 = 0x4000_0003, arm = 0x4000_0028;
        Assert.Equal(FilterAction.Kill, FilterMachine.Run(OnX64, i386, 3));
        Assert.Equal(FilterAction.Kill, FilterMachine.Run(OnArm64, arm, 3));
        Assert.Equal(FilterAction.Kill, FilterMachine.Run(OnX64, FilterMachine.X64, 0x4000_0000));     // x32's read
        Assert.Equal(FilterAction.Kill, FilterMachine.Run(OnX64, FilterMachine.X64, -1));
    }

    /// <summary>The kernel takes no longer ones.</summary>
    [Fact]
    public void Length_IsWithinTheKernels() => Assert.InRange(OnX64.Length, 100, 4096);

    private static FilterInstruction[] Build(FilterProgram program, SealOptions options) =>
        SystemCallFilter.Describe(program, options, OurProcess).Build();

    /// <summary>What both say, which is the same.</summary>
    private static FilterAction OnBoth(long x64, long arm64, params ReadOnlySpan<ulong> arguments)
    {
        FilterAction action = FilterMachine.Run(OnX64, FilterMachine.X64, x64, arguments);
        Assert.Equal(action, FilterMachine.Run(OnArm64, FilterMachine.Arm64, arm64, arguments));
        return action;
    }
}
