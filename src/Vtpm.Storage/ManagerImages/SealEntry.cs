using System.Buffers.Binary;
using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>
/// One seal entry of the manager's image (300 bytes): keys sealed by the hardware TPM to a platform configuration. What is needed to rebuild the
/// TPM_STORED_DATA12 for TPM_Unseal.
/// </summary>
public struct SealEntry : IWireStructure<SealEntry>
{
    public const int SealedDataSize = 256;

    /// <summary>Bit n selects PCR n. The only little-endian field of the image.</summary>
    public uint PcrMask;

    /// <summary>The composite hash when it was sealed: digestAtCreation.</summary>
    public TpmDigest DigestAtSeal;

    /// <summary>The composite hash that opens it: digestAtRelease.</summary>
    public TpmDigest DigestRelease;

    /// <summary>encData, 256 bytes; empty for a configuration that is not sealed yet.</summary>
    public byte[] SealedData;

    public static void Describe<TCodec>(ref TCodec wire, ref SealEntry value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        Span<byte> mask = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(mask, value.PcrMask);
        wire.Fixed(mask);
        value.PcrMask = BinaryPrimitives.ReadUInt32LittleEndian(mask);
        wire.Structure(ref value.DigestAtSeal);
        wire.Structure(ref value.DigestRelease);
        wire.Bytes(ref value.SealedData, SealedDataSize);
    }
}

/// <summary>A platform that may open a group: its PCRs and the composite hash they must have.</summary>
public readonly record struct PlatformConfiguration(uint PcrMask, TpmDigest DigestRelease);

/// <summary>The hardware TPM, as far as the manager's image needs it. Which entry fits the present configuration is its decision.</summary>
public interface IManagerSealer
{
    /// <summary>
    /// The plaintext of an entry, which the image zeroes after use; null when the entry is for another configuration or the TPM refuses it. An
    /// exception (a TPM out of order) ends the opening: it must not be mistaken for a configuration that does not fit.
    /// </summary>
    byte[]? Unseal(SealEntry entry);

    /// <summary>
    /// Seals <paramref name="secret"/> to a platform: fills the digest at sealing and 256 bytes of sealed data. Null when the TPM refuses.
    /// </summary>
    SealEntry? Seal(PlatformConfiguration platform, ReadOnlySpan<byte> secret);
}
