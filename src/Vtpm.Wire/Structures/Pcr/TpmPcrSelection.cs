namespace Vtpm.Wire;

/// <summary><c>TPM_PCR_SELECTION</c>, Part 2 §8.1: a bit for each PCR, the lowest first in each byte. Its length is part of every digest over it.</summary>
public struct TpmPcrSelection : IWireStructure<TpmPcrSelection>
{
    public ReadOnlyMemory<byte> PcrSelect;

    /// <summary>True when no bit is set; then no digest is checked (Part 2 §8.1).</summary>
    public readonly bool IsEmpty => !PcrSelect.Span.ContainsAnyExcept((byte)0);

    public readonly bool Selects(int pcr) => pcr / 8 < PcrSelect.Length && (PcrSelect.Span[pcr / 8] >> (pcr % 8) & 1) == 1;

    /// <summary>A selection of three bytes, as 24 PCRs need.</summary>
    public static TpmPcrSelection Of(params ReadOnlySpan<int> pcrs)
    {
        byte[] select = new byte[3];
        foreach (int pcr in pcrs) select[pcr / 8] |= (byte)(1 << pcr % 8);
        return new TpmPcrSelection { PcrSelect = select };
    }

    public static void Describe<TCodec>(ref TCodec wire, ref TpmPcrSelection value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized16(ref value.PcrSelect);
}
