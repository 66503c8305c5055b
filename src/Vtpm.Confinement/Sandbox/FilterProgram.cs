using System.Runtime.InteropServices;

namespace Vtpm.Confinement;

/// <summary>One instruction of the kernel's packet filter: <c>struct sock_filter</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct FilterInstruction(ushort Code, byte JumpTrue, byte JumpFalse, uint Operand)
{
    public const ushort Load = 0x20;                // LD | W | ABS: four bytes of struct seccomp_data
    public const ushort And = 0x54;                 // ALU | AND | K
    public const ushort JumpIfEqual = 0x15;         // JMP | JEQ | K
    public const ushort JumpIfGreater = 0x25;       // JMP | JGT | K
    public const ushort JumpIfGreaterOrEqual = 0x35; // JMP | JGE | K
    public const ushort Return = 0x06;              // RET | K
}

/// <summary>What a filter has the kernel do with a call.</summary>
internal readonly record struct FilterAction(uint Value)
{
    public static FilterAction Kill => new(0x8000_0000);     // SECCOMP_RET_KILL_PROCESS

    public static FilterAction Allow => new(0x7FFF_0000);

    public static FilterAction Refuse(int error) => new(0x0005_0000u | (uint)error);   // SECCOMP_RET_ERRNO
}

/// <summary>Writes a seccomp filter, call by call; what no rule names ends the process.</summary>
internal sealed class FilterProgram
{
    private const uint NumberOffset = 0;
    private const uint ArchitectureOffset = 4;
    private const uint X32Bit = 0x4000_0000;

    private readonly List<FilterInstruction> _program = [];
    private readonly HashSet<int> _named = [];
    private readonly Func<SystemCall, int> _numberOf;

    private FilterProgram(Func<SystemCall, int> numberOf) => _numberOf = numberOf;

    /// <summary>For x86-64. Calls of 32-bit programs and of x32, which have other numbers, end the process.</summary>
    public static FilterProgram X64()
    {
        var program = new FilterProgram(call => call.X64);
        program.Require(0xC000_003E);
        program.Add(FilterInstruction.JumpIfGreaterOrEqual, 0, 1, X32Bit);
        program.Return(FilterAction.Kill);
        return program;
    }

    public static FilterProgram Arm64()
    {
        var program = new FilterProgram(call => call.Arm64);
        program.Require(0xC000_00B7);
        return program;
    }

    /// <summary>Calls with numbers above this get an action of their own.</summary>
    public void Above(int number, FilterAction action)
    {
        Add(FilterInstruction.JumpIfGreater, 0, 1, (uint)number);
        Return(action);
    }

    public void Add(FilterAction action, params ReadOnlySpan<SystemCall> calls)
    {
        foreach (SystemCall call in calls)
        {
            if (!Match(call, skip: 1)) continue;
            Return(action);
        }
    }

    /// <summary>Allowed when all conditions of any alternative hold.</summary>
    public void AllowIf(SystemCall call, FilterAction otherwise, params ReadOnlySpan<FilterCondition[]> alternatives) =>
        When(call, FilterAction.Allow, otherwise, alternatives);

    /// <summary>One action when all conditions of any alternative hold, else another.</summary>
    public void When(SystemCall call, FilterAction action, FilterAction otherwise, params ReadOnlySpan<FilterCondition[]> alternatives)
    {
        int start = _program.Count;
        if (!Match(call, skip: 0)) return;
        foreach (FilterCondition[] conditions in alternatives)
        {
            var block = new FilterBlock(_program);
            foreach (FilterCondition condition in conditions) condition.Append(block);
            block.End(action);
        }

        Return(otherwise);
        _program[start] = _program[start] with { JumpFalse = checked((byte)(_program.Count - start - 1)) };
    }

    /// <summary>The whole of it.</summary>
    public FilterInstruction[] Build() => [.. _program, new(FilterInstruction.Return, 0, 0, FilterAction.Kill.Value)];

    private void Require(uint architecture)
    {
        Add(FilterInstruction.Load, 0, 0, ArchitectureOffset);
        Add(FilterInstruction.JumpIfEqual, 1, 0, architecture);
        Return(FilterAction.Kill);
        Add(FilterInstruction.Load, 0, 0, NumberOffset);
    }

    /// <returns>False when this architecture has no such call.</returns>
    private bool Match(SystemCall call, byte skip)
    {
        int number = _numberOf(call);
        if (number < 0) return false;
        if (!_named.Add(number)) throw new InvalidOperationException($"two rules for call {number}");
        Add(FilterInstruction.JumpIfEqual, 0, skip, (uint)number);
        return true;
    }

    private void Return(FilterAction action) => Add(FilterInstruction.Return, 0, 0, action.Value);

    private void Add(ushort code, byte jumpTrue, byte jumpFalse, uint operand) => _program.Add(new(code, jumpTrue, jumpFalse, operand));
}
