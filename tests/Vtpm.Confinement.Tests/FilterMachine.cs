using System.Buffers.Binary;

namespace Vtpm.Confinement.Tests;

/// <summary>The kernel's packet filter, as much of it as seccomp filters use, so that one of another architecture can be tried too.</summary>
internal static class FilterMachine
{
    public const uint X64 = 0xC000_003E;
    public const uint Arm64 = 0xC000_00B7;

    /// <summary>What the program says to a call.</summary>
    public static FilterAction Run(FilterInstruction[] program, uint architecture, long number, params ReadOnlySpan<ulong> arguments)
    {
        byte[] data = new byte[64];     // struct seccomp_data
        BinaryPrimitives.WriteInt32LittleEndian(data, (int)number);
        BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(4), architecture);
        for (int i = 0; i < arguments.Length; i++) BinaryPrimitives.WriteUInt64LittleEndian(data.AsSpan(16 + 8 * i), arguments[i]);
        uint accumulator = 0;
        // A program that runs off its end fails by the index.
        for (int counter = 0; ; counter++)
        {
            FilterInstruction next = program[counter];
            switch (next.Code)
            {
                case FilterInstruction.Load: accumulator = BinaryPrimitives.ReadUInt32LittleEndian(data.AsSpan((int)next.Operand)); break;
                case FilterInstruction.And: accumulator &= next.Operand; break;
                case FilterInstruction.JumpIfEqual: counter += accumulator == next.Operand ? next.JumpTrue : next.JumpFalse; break;
                case FilterInstruction.JumpIfGreater: counter += accumulator > next.Operand ? next.JumpTrue : next.JumpFalse; break;
                case FilterInstruction.JumpIfGreaterOrEqual: counter += accumulator >= next.Operand ? next.JumpTrue : next.JumpFalse; break;
                case FilterInstruction.Return: return new FilterAction(next.Operand);
                default: throw new InvalidOperationException($"instruction {next.Code:x}");
            }
        }
    }
}
