namespace Vtpm.Confinement;

/// <summary>A condition on one argument of a call.</summary>
internal abstract record FilterCondition(int Argument)
{
    /// <summary>Offset of the lower half of the argument in struct seccomp_data, in little-endian machines.</summary>
    protected uint Low => 16 + 8 * (uint)Argument;

    protected uint High => Low + 4;

    /// <summary>The argument has this value in the bits of the mask.</summary>
    public static FilterCondition Masked(int argument, uint mask, uint value) => new MaskedCondition(argument, mask, value);

    /// <summary>The argument, an int of C, is this: the kernel does not look at its upper half either.</summary>
    public static FilterCondition Int(int argument, int value) => new MaskedCondition(argument, uint.MaxValue, (uint)value);

    /// <summary>The argument, an int of C, is anything but this.</summary>
    public static FilterCondition Differs(int argument, int value) => new DiffersCondition(argument, (uint)value);

    /// <summary>The argument, of 64 bits, is zero: a pointer to nothing.</summary>
    public static FilterCondition Zero(int argument) => new ZeroCondition(argument);

    /// <summary>The argument, of 64 bits, is lower.</summary>
    public static FilterCondition Below(int argument, ulong limit) => new BelowCondition(argument, limit);

    /// <summary>Appends instructions that go on behind themselves when it holds, and to the end of the block when it does not.</summary>
    public abstract void Append(FilterBlock block);

    private sealed record MaskedCondition(int Argument, uint Mask, uint Value) : FilterCondition(Argument)
    {
        public override void Append(FilterBlock block)
        {
            block.Load(Low);
            if (Mask != uint.MaxValue) block.Mask(Mask);
            block.FailUnless(FilterInstruction.JumpIfEqual, Value);
        }
    }

    private sealed record DiffersCondition(int Argument, uint Value) : FilterCondition(Argument)
    {
        public override void Append(FilterBlock block)
        {
            block.Load(Low);
            block.FailIf(FilterInstruction.JumpIfEqual, Value);
        }
    }

    private sealed record ZeroCondition(int Argument) : FilterCondition(Argument)
    {
        public override void Append(FilterBlock block)
        {
            block.Load(Low);
            block.FailUnless(FilterInstruction.JumpIfEqual, 0);
            block.Load(High);
            block.FailUnless(FilterInstruction.JumpIfEqual, 0);
        }
    }

    private sealed record BelowCondition(int Argument, ulong Limit) : FilterCondition(Argument)
    {
        public override void Append(FilterBlock block)
        {
            (uint high, uint low) = ((uint)(Limit >> 32), (uint)Limit);
            block.Load(High);
            block.FailIf(FilterInstruction.JumpIfGreater, high);
            block.SkipUnless(FilterInstruction.JumpIfEqual, high, count: 2);
            block.Load(Low);
            block.FailIf(FilterInstruction.JumpIfGreaterOrEqual, low);
        }
    }
}

/// <summary>The conditions of one alternative, whose jumps to its end are known when it is.</summary>
internal sealed class FilterBlock(List<FilterInstruction> program)
{
    private const byte ToFail = byte.MaxValue;

    private readonly int _start = program.Count;

    public void Load(uint offset) => program.Add(new(FilterInstruction.Load, 0, 0, offset));

    public void Mask(uint mask) => program.Add(new(FilterInstruction.And, 0, 0, mask));

    public void FailUnless(ushort comparison, uint value) => program.Add(new(comparison, 0, ToFail, value));

    public void FailIf(ushort comparison, uint value) => program.Add(new(comparison, ToFail, 0, value));

    public void SkipUnless(ushort comparison, uint value, byte count) => program.Add(new(comparison, 0, count, value));

    /// <summary>All hold: the action is taken. What fails comes out behind.</summary>
    public void End(FilterAction action)
    {
        program.Add(new(FilterInstruction.Return, 0, 0, action.Value));
        for (int i = _start; i < program.Count; i++)
        {
            byte distance = checked((byte)(program.Count - i - 1));
            FilterInstruction instruction = program[i];
            if (instruction.JumpTrue == ToFail) program[i] = instruction with { JumpTrue = distance };
            if (instruction.JumpFalse == ToFail) program[i] = instruction with { JumpFalse = distance };
        }
    }
}
