using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// What a TPM 2.0 has sealed, in the 256 bytes that a seal entry has for the RSA ciphertext of a TPM 1.2 (<c>docs/adr/0010-tpm-2-hardware.md</c>).
/// The rest of the object's public area follows from the entry.
/// </summary>
/// <remarks><code>
///  0      4      6                  14             34
///  | TPM2 | bank | SHA-256 of the   | digest of    | TPM2B_PRIVATE, then zeroes to 256
///         |      | parent's Name, 8 | the data, 20 |
/// </code></remarks>
internal struct Tpm2SealedData : IWireStructure<Tpm2SealedData>
{
    /// <summary>"TPM2".</summary>
    private const uint Magic = 0x54504D32;

    /// <summary>Whose PCRs the policy is about.</summary>
    public TpmAlgId Bank;

    /// <summary>Which storage key it is under.</summary>
    public ulong Parent;

    /// <summary>The public area's <c>unique</c>.</summary>
    public TpmDigest Unique;

    /// <summary>TPM2B_PRIVATE.</summary>
    public ReadOnlyMemory<byte> Private;

    private ReadOnlyMemory<byte> _rest;

    /// <summary>Whether an entry is a TPM 2.0's.</summary>
    public static bool IsIn(in SealEntry entry) =>
        entry.SealedData is { Length: SealEntry.SealedDataSize } && BinaryPrimitives.ReadUInt32BigEndian(entry.SealedData) == Magic;

    /// <summary>Tells storage keys apart.</summary>
    public static ulong Fingerprint(Tpm2Key parent) => BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(parent.Entity.Name.Span));

    /// <summary>False when what follows the magic is no such data.</summary>
    public static bool TryRead(in SealEntry entry, out Tpm2SealedData data)
    {
        data = default;
        return IsIn(entry) && WireFormat.Read(entry.SealedData, out data) == TpmResult.Success;
    }

    /// <summary>As the entry has it; null when it is too long.</summary>
    public readonly byte[]? ToSealedData()
    {
        byte[] bytes = WireFormat.ToBytes(this with { _rest = default });
        if (bytes.Length > SealEntry.SealedDataSize) return null;
        Array.Resize(ref bytes, SealEntry.SealedDataSize);
        return bytes;
    }

    public static void Describe<TCodec>(ref TCodec wire, ref Tpm2SealedData value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Constant(Magic);
        wire.Enum(ref value.Bank);
        wire.UInt64(ref value.Parent);
        wire.Structure(ref value.Unique);
        wire.Sized16(ref value.Private);
        wire.Rest(ref value._rest);
        if (value._rest.Span.ContainsAnyExcept((byte)0)) wire.Fault(TpmResult.InvalidStructure);
    }
}
