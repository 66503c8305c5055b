using System.Security.Cryptography;
using Vtpm.Engine;
using Vtpm.Engine.Commands.Endorsement;
using Vtpm.Engine.Commands.Ownership;
using Vtpm.Wire;

namespace Vtpm.TestKit;

/// <content>An endorsement key, and an owner.</content>
public sealed partial class TestTpm
{
    /// <summary>What <see cref="TakeOwnership"/> installs, unless told otherwise.</summary>
    public static byte[] OwnerAuth { get; } = SHA1.HashData("owner"u8);

    /// <summary>RSA-2048 parameters of a storage key: what clients ask an EK and an SRK to be.</summary>
    public static TpmKeyParms StorageParms { get; } = new()
    {
        AlgorithmId = TpmAlgorithmId.Rsa,
        EncScheme = TpmEncScheme.RsaesOaepSha1Mgf1,
        SigScheme = TpmSigScheme.None,
        Parms = Convert.FromHexString("000008000000000200000000"),
    };

    /// <summary>TPM_CreateEndorsementKeyPair.</summary>
    public TpmPubKey CreateEndorsementKeyPair() =>
        Send(new CreateEndorsementKeyPair(), new CreateEndorsementKeyPairRequest { AntiReplay = NewNonce(), KeyInfo = StorageParms })
            .PubEndorsementKey;

    /// <summary>
    /// TPM_TakeOwnership, after making an endorsement key where there is none. The secret of the SRK is <see cref="WellKnown"/> unless given.
    /// </summary>
    /// <returns>The public half of the storage root key.</returns>
    public TpmKey TakeOwnership(byte[]? ownerAuth = null, byte[]? srkAuth = null)
    {
        ownerAuth ??= OwnerAuth;
        TpmPubKey pubek = State.Permanent.Data.EndorsementKey?.Key.ToPubKey() ?? CreateEndorsementKeyPair();
        return Send(new TakeOwnership(), OwnershipRequest(pubek, ownerAuth, srkAuth ?? WellKnown), Oiap(ownerAuth)).SrkPub;
    }

    /// <summary>A request of TPM_TakeOwnership as clients make it.</summary>
    public static TakeOwnershipRequest OwnershipRequest(in TpmPubKey pubek, byte[] ownerAuth, byte[] srkAuth) => new()
    {
        ProtocolId = TpmProtocolId.Owner,
        EncOwnerAuth = EncryptOaep(pubek, ownerAuth),
        EncSrkAuth = EncryptOaep(pubek, srkAuth),
        SrkParams = new TpmKey
        {
            Ver = TpmKey.Version11,
            KeyUsage = TpmKeyUsage.Storage,
            AuthDataUsage = TpmAuthDataUsage.Always,
            AlgorithmParms = StorageParms,
        },
    };

    /// <summary>TSC_PhysicalPresence: enabled by command, and asserted.</summary>
    public void AssertPresence()
    {
        Send(new TscPhysicalPresence(), new TscPhysicalPresenceRequest { PhysicalPresence = TpmPhysicalPresence.CmdEnable });
        Send(new TscPhysicalPresence(), new TscPhysicalPresenceRequest { PhysicalPresence = TpmPhysicalPresence.Present });
    }

    /// <summary>RSAES-OAEP with the label "TCPA": what a client encrypts for a key of the TPM.</summary>
    public static byte[] EncryptOaep(in TpmPubKey key, ReadOnlySpan<byte> message)
    {
        byte[] output = new byte[key.PubKey.Key.Length];
        bool fits = new FixedRsa().EncryptOaep(key.PubKey.Key.Span, KeyParameters.ExponentOf(key.AlgorithmParms), message, "TCPA"u8, output);
        return fits ? output : throw new ArgumentException("the message does not fit the key", nameof(message));
    }
}
