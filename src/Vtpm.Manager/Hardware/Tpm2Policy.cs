using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// The policy that opens what the manager seals with a TPM 2.0: PCRs, by TPM2_PolicyPCR, and the locality, by TPM2_PolicyLocality (TPM 2.0 Part 3
/// §23.7, §23.8). By SHA-1, since a platform has a hash of 20 bytes in the image and in what an authority signs.
/// </summary>
internal static class Tpm2Policy
{
    public const TpmAlgId Hash = TpmAlgId.Sha1;

    /// <summary>A platform's hash: SHA-1 of the values of its PCRs, one behind the other.</summary>
    public static TpmDigest Composite(IEnumerable<byte[]> values) => TpmDigest.Of([.. values.SelectMany(value => value)]);

    /// <summary>What the TPM comes to when the PCRs have that hash and the command comes by one of the localities.</summary>
    public static byte[] Digest(TpmAlgId bank, uint mask, TpmDigest composite, byte localities)
    {
        byte[] pcrs = SHA1.HashData([.. new byte[TpmDigest.Size], .. Code(TpmCc.PolicyPcr), .. WireFormat.ToBytes(TpmlPcrSelection.Of(bank, mask)), .. composite.ReadOnlySpan]);
        return SHA1.HashData([.. pcrs, .. Code(TpmCc.PolicyLocality), localities]);
    }

    /// <summary>The same in a session.</summary>
    public static void Apply(Tpm2Client tpm, Tpm2Session session, TpmAlgId bank, uint mask, byte localities)
    {
        tpm.PolicyPcr(session, bank, mask);
        tpm.PolicyLocality(session, localities);
    }

    private static byte[] Code(TpmCc command)
    {
        byte[] code = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(code, (uint)command);
        return code;
    }
}
