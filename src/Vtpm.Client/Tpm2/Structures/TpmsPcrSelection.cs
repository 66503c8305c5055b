using System.Buffers.Binary;
using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary><c>TPMS_PCR_SELECTION</c> (TPM 2.0 Part 2 §10.6.2): PCRs of one bank.</summary>
public struct TpmsPcrSelection : IWireStructure<TpmsPcrSelection>
{
    /// <summary>Bytes of the bit map of 24 PCRs, which the PC Client profile has.</summary>
    private const int SizeOfSelect = 3;

    /// <summary>The bank.</summary>
    public TpmAlgId Hash;

    public ReadOnlyMemory<byte> PcrSelect;

    /// <summary>Bit n for PCR n; what is beyond 32 PCRs is left out.</summary>
    public readonly uint Mask
    {
        get
        {
            uint mask = 0;
            for (int i = 0; i < Math.Min(PcrSelect.Length, sizeof(uint)); i++) mask |= (uint)PcrSelect.Span[i] << (8 * i);
            return mask;
        }
    }

    public static TpmsPcrSelection Of(TpmAlgId bank, uint mask)
    {
        byte[] select = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(select, mask);
        return new TpmsPcrSelection { Hash = bank, PcrSelect = select.AsMemory(0, SizeOfSelect) };
    }

    public static void Describe<TCodec>(ref TCodec wire, ref TpmsPcrSelection value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Enum(ref value.Hash);
        byte size = (byte)value.PcrSelect.Length;
        wire.UInt8(ref size);
        wire.Run(ref value.PcrSelect, size);
    }
}

/// <summary><c>TPML_PCR_SELECTION</c> (TPM 2.0 Part 2 §10.9.7).</summary>
public struct TpmlPcrSelection : IWireStructure<TpmlPcrSelection>
{
    private const int MaxBanks = 16;

    public TpmsPcrSelection[] PcrSelections;

    public static TpmlPcrSelection Of(TpmAlgId bank, uint mask) => new() { PcrSelections = [TpmsPcrSelection.Of(bank, mask)] };

    public static void Describe<TCodec>(ref TCodec wire, ref TpmlPcrSelection value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.List32(ref value.PcrSelections, MaxBanks);
}
