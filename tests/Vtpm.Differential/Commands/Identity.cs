using System.Security.Cryptography;
using Vtpm.Differential.Sides;
using Vtpm.Differential.Steps;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Differential.Commands;

/// <summary>Identities (Part 3 §15).</summary>
public static class Identity
{
    public static CommandStep Make(byte[] secret, int blob, SessionUse srkAuth, SessionUse ownerAuth) => new(TpmOrdinal.MakeIdentity, $"→ blob {blob}")
    {
        Parameters = request =>
        {
            request.EncAuth(secret, use: 1);
            request.Literal(SHA1.HashData("a privacy CA"u8));
            request.Structure(TestTpm.KeyInfo(TpmKeyUsage.Identity));
        },
        Sessions = [srkAuth, ownerAuth],
        Answer = answer =>
        {
            Keys.Key(answer, blob);
            answer.OwnSized32("identityBinding");
        },
    };

    /// <summary>TPM_ActivateIdentity with a TPM_ASYM_CA_CONTENTS that names key <paramref name="named"/>.</summary>
    public static CommandStep Activate(int key, int named, SessionUse keyAuth, SessionUse ownerAuth) => new(TpmOrdinal.ActivateIdentity, $"{Keys.Name(key)}, for {Keys.Name(named)}")
    {
        Handles = request => request.Key(key),
        Parameters = request =>
        {
            TpmKey identity = TestTpm.KeyInfo(TpmKeyUsage.Identity) with { PubKey = new TpmStorePubKey { Key = request.Memory.Modulus(named) } };
            var contents = new TpmAsymCAContents
            {
                SessionKey = new TpmSymmetricKey { AlgId = TpmAlgorithmId.Aes128, EncScheme = TpmEncScheme.None, Data = new byte[16] },
                IdDigest = WireFormat.Digest(identity.ToPubKey()),
            };
            request.OwnSized32(request.EncryptFor(SideMemory.Ek, WireFormat.ToBytes(contents)));
        },
        Sessions = [keyAuth, ownerAuth],
        Answer = answer =>
        {
            answer.UInt32("symmetricKey.algId");
            answer.UInt16("symmetricKey.encScheme");
            int size = answer.UInt16("symmetricKey.size");
            answer.Exact("symmetricKey.data", size);
        },
    };
}
