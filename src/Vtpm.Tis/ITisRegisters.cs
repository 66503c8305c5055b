namespace Vtpm.Tis;

/// <summary>The page of registers by which one locality reaches a TPM.</summary>
/// <remarks>Every access is one access of that width to the device: reading a data register takes a byte out of it.</remarks>
public interface ITisRegisters : IDisposable
{
    byte ReadByte(int offset);

    uint ReadUInt32(int offset);

    void WriteByte(int offset, byte value);

    void WriteUInt32(int offset, uint value);
}
