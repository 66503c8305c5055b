using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Client.Attestation;

/// <summary>
/// What TPM_MakeIdentity signs with the new identity key (TPM_IDENTITY_CONTENTS, Part 2 §12.5): <c>aik.priv-ca-data</c> of group-add. It shows that
/// key and label belong together, and that whoever made them had the private key; that this was a TPM, only a privacy CA finds out.
/// </summary>
/// <param name="Signature">256 bytes.</param>
/// <param name="LabelDigest">The TPM_CHOSENID_HASH that the key was made for; zeroes are what group-add uses.</param>
public sealed record IdentityBinding(ReadOnlyMemory<byte> Signature, TpmDigest LabelDigest)
{
    internal bool IsOf(ReadOnlyMemory<byte> aikModulus)
    {
        TpmKey identity = TpmKeys.Identity;
        var contents = new TpmIdentityContents
        {
            LabelPrivCADigest = LabelDigest,
            IdentityPubKey = new TpmPubKey { AlgorithmParms = identity.AlgorithmParms, PubKey = new TpmStorePubKey { Key = aikModulus } },
        };
        return Rsa2048.Verify(aikModulus.Span, WireFormat.ToBytes(contents), Signature.Span, HashAlgorithmName.SHA1);
    }
}
