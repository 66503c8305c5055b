using System.Runtime.InteropServices;
using System.Text;

namespace Vtpm.SystemTests;

/// <summary>What came of a system call: a result, or the end of the process that made it.</summary>
internal readonly record struct CallOutcome(long Result, int? Signal)
{
    public override string ToString() => Signal is { } signal ? $"ended by signal {signal}" : $"result {Result}";
}

/// <summary>
/// A process that is made to do a system call which is not in its program, as if an attacker had taken it over: by ptrace, in its first thread. What the
/// kernel allows it is then shown on the very executable that users have, which needs no door for tests.
/// </summary>
/// <remarks>All of it on one thread: the kernel knows a tracer by its thread.</remarks>
internal sealed unsafe partial class Tracee : IDisposable
{
    private const int Attach = 16;
    private const int Detach = 17;
    private const int SingleStep = 9;
    private const int GetRegisterSet = 0x4204;
    private const int SetRegisterSet = 0x4205;
    private const int GeneralRegisters = 1;
    private const int WaitAllThreads = 0x40000000;
    private const int RegisterCount = 34;
    private const int ArgumentRoom = 256;

    private static readonly bool IsArm64 = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    private readonly int _pid;
    private readonly ulong[] _original = new ulong[RegisterCount];
    private bool _ended;

    private Tracee(int pid) => _pid = pid;

    // x86-64: struct user_regs_struct. arm64: x0 to x30, sp, pc, pstate.
    private static int ProgramCounter => IsArm64 ? 32 : 16;

    private static int StackPointer => IsArm64 ? 31 : 19;

    private static int ReturnValue => IsArm64 ? 0 : 10;

    private static int CallNumber => IsArm64 ? 8 : 10;

    private static ReadOnlySpan<int> Arguments => IsArm64 ? [0, 1, 2, 3, 4, 5] : [14, 13, 12, 7, 9, 8];

    private static ReadOnlySpan<byte> CallInstruction => IsArm64 ? [0x01, 0x00, 0x00, 0xD4] : [0x0F, 0x05];

    /// <summary>Stops a process that waits in a system call, as soon as it does.</summary>
    public static Tracee Of(int pid)
    {
        Tracee? found = null;
        ConfinedProcess.Until(() => (found = TryStop(pid)) is not null, "process that waits in a system call");
        return found!;
    }

    /// <returns>Null for one that was between two calls; it has gone on.</returns>
    private static Tracee? TryStop(int pid)
    {
        var tracee = new Tracee(pid);
        Check(Trace(Attach, pid, 0, 0), "attach");
        tracee.Wait();
        tracee.Registers(GetRegisterSet, tracee._original);
        using (FileStream memory = tracee.OpenMemory())
            if (tracee.FindCallInstruction(memory) is not null) return tracee;
        Check(Trace(Detach, pid, 0, 0), "detach");
        return null;
    }

    /// <summary>Has it do a call. Arguments are integers, and strings or bytes, which it gets the address of.</summary>
    public CallOutcome Call(int x64, int arm64, params ReadOnlySpan<object> arguments)
    {
        using FileStream memory = OpenMemory();
        ulong[] registers = [.. _original];
        registers[ProgramCounter] = FindCallInstruction(memory) ?? throw new InvalidOperationException($"process {_pid} waits in no system call");
        registers[CallNumber] = (ulong)(IsArm64 ? arm64 : x64);
        if (!IsArm64) registers[15] = ulong.MaxValue;     // orig_rax: no call that would be begun again
        ulong room = (_original[StackPointer] & ~15UL) - (ulong)(8 * ArgumentRoom);
        for (int i = 0; i < arguments.Length; i++)
        {
            ulong at = room + (ulong)(i * ArgumentRoom);
            registers[Arguments[i]] = Pass(memory, arguments[i], at);
        }

        Registers(SetRegisterSet, registers);
        Check(Trace(SingleStep, _pid, 0, 0), "step");
        if (Wait() is { } signal) return new CallOutcome(0, signal);
        Registers(GetRegisterSet, registers);
        return new CallOutcome((long)registers[ReturnValue], null);
    }

    /// <summary>Lets it go on: the call that it waited in was interrupted.</summary>
    public void Dispose()
    {
        if (_ended) return;
        const int interrupted = -4;
        ulong[] registers = [.. _original];
        if (!IsArm64)
        {
            registers[ReturnValue] = unchecked((ulong)interrupted);
            registers[15] = ulong.MaxValue;
        }

        Registers(SetRegisterSet, registers);
        Check(Trace(Detach, _pid, 0, 0), "detach");
    }

    private static ulong Pass(FileStream memory, object argument, ulong at)
    {
        if (argument is int or long) return unchecked((ulong)Convert.ToInt64(argument, System.Globalization.CultureInfo.InvariantCulture));
        byte[] bytes = argument as byte[] ?? Encoding.UTF8.GetBytes((string)argument + "\0");
        Assert.InRange(bytes.Length, 1, ArgumentRoom);
        memory.Position = (long)at;
        memory.Write(bytes);
        return at;
    }

    /// <summary>It waits in a call: the instruction is behind it, or is where it goes on.</summary>
    private ulong? FindCallInstruction(FileStream memory)
    {
        ulong here = _original[ProgramCounter];
        byte[] bytes = new byte[CallInstruction.Length];
        foreach (ulong place in (ulong[])[here - (ulong)bytes.Length, here])
        {
            memory.Position = (long)place;
            memory.ReadExactly(bytes);
            if (bytes.AsSpan().SequenceEqual(CallInstruction)) return place;
        }

        return null;
    }

    private FileStream OpenMemory() => new($"/proc/{_pid}/mem", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);

    /// <returns>The signal that ended it; null when it has stopped.</returns>
    private int? Wait()
    {
        int result = WaitForProcess(_pid, out int status, WaitAllThreads);
        if (result != _pid) throw new InvalidOperationException($"waitpid({_pid}): {Marshal.GetLastPInvokeError()}");
        if ((status & 0xFF) == 0x7F) return null;
        _ended = true;
        return status & 0x7F;
    }

    private void Registers(int request, ulong[] registers)
    {
        fixed (ulong* start = registers)
        {
            nint* buffer = stackalloc nint[2];
            buffer[0] = (nint)start;
            buffer[1] = (IsArm64 ? RegisterCount : 27) * sizeof(ulong);
            Check(Trace(request, _pid, GeneralRegisters, (nint)buffer), "registers");
        }
    }

    private static void Check(nint result, string what)
    {
        if (result < 0) throw new InvalidOperationException($"ptrace, {what}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
    }

    [LibraryImport("libc", EntryPoint = "ptrace", SetLastError = true)]
    private static partial nint Trace(nint request, int pid, nint address, nint data);

    [LibraryImport("libc", EntryPoint = "waitpid", SetLastError = true)]
    private static partial int WaitForProcess(int pid, out int status, int options);
}
