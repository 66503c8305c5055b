using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary><c>TPMS_NV_PUBLIC</c> (TPM 2.0 Part 2 §13.5).</summary>
public struct TpmsNvPublic : IWireStructure<TpmsNvPublic>
{
    public uint NvIndex;
    public TpmAlgId NameAlg;
    public TpmaNv Attributes;
    public ReadOnlyMemory<byte> AuthPolicy;
    public ushort DataSize;

    /// <summary>The index's Name.</summary>
    /// <exception cref="ArgumentException">The algorithm is no hash function.</exception>
    public readonly byte[] ToName() =>
        [(byte)((int)NameAlg >> 8), (byte)NameAlg, .. CryptographicOperations.HashData(NameAlg.Name(), WireFormat.ToBytes(this))];

    public static void Describe<TCodec>(ref TCodec wire, ref TpmsNvPublic value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.NvIndex);
        wire.Enum(ref value.NameAlg);
        wire.Enum(ref value.Attributes);
        wire.Sized16(ref value.AuthPolicy);
        wire.UInt16(ref value.DataSize);
    }
}
