using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Engine;

/// <content>Direct anonymous attestation: its secrets, its sessions, and what it keeps outside (Part 2 §22).</content>
public sealed partial class CommandContext
{
    /// <summary><paramref name="data"/> with new secrets of DAA, which are made and lost together: what was under the old ones is void.</summary>
    public PermanentData WithNewDaaSecrets(PermanentData data) => data with
    {
        DaaSeed = NewSecret(),
        DaaProof = NewSecret(),
        DaaBlobKey = NewSecret(16),
    };

    /// <summary>Opens a DAA session under a handle of its own: <paramref name="preferred"/>, when it is given and free.</summary>
    /// <returns>TPM_RESOURCES when no more can be open.</returns>
    public TpmResult OpenDaaSession(Secret data, out uint handle, uint? preferred = null)
    {
        handle = 0;
        if (State.DaaSessions.Count >= Platform.Profile.DaaSessions) return TpmResult.Resources;
        handle = NewHandle(State.DaaSessions, TpmResourceType.DaaTpm, preferred);
        State = State with { DaaSessions = State.DaaSessions.Add(new DaaSession(handle, data)) };
        return TpmResult.Success;
    }

    /// <summary>
    /// TPM_DAA_BLOB: encrypts <paramref name="internalData"/> under daaBlobKey by AES in counter mode, the additional data being the first counter, and
    /// makes the HMAC under daaProof over what comes of it.
    /// </summary>
    internal ReadOnlyMemory<byte> SealDaa(TpmResourceType type, ReadOnlyMemory<byte> internalData)
    {
        // An endorsement key of a build that had no DAA came without it; its two companions were made already.
        if (PermanentData.DaaBlobKey is null) PermanentData = PermanentData with { DaaBlobKey = NewSecret(16) };
        byte[] counter = new byte[SymmetricCipher.BlockSize];
        Platform.Random.Fill(counter);
        byte[] sensitive = WireFormat.ToBytes(new TpmDaaSensitive { InternalData = internalData }, Scratch);
        SymmetricCipher.AesCtr(PermanentData.DaaBlobKey!.Span, counter, sensitive);
        var blob = new TpmDaaBlob { ResourceType = type, AdditionalData = counter, SensitiveData = sensitive };
        blob.BlobIntegrity = DaaIntegrity(blob);
        return WireFormat.ToBytes(blob);
    }

    /// <summary>Checks and decrypts a TPM_DAA_BLOB, its integrity first; the data lies in memory that is zeroed with the command.</summary>
    /// <returns>TPM_DAA_INPUT_DATA0 for anything that this TPM, with the secrets it has now, has not made as <paramref name="type"/>.</returns>
    internal TpmResult OpenDaa(TpmResourceType type, ReadOnlyMemory<byte> daaBlob, out ReadOnlyMemory<byte> internalData)
    {
        internalData = default;
        if (PermanentData.DaaBlobKey is not { } key || WireFormat.Read(daaBlob.Span, out TpmDaaBlob blob) != TpmResult.Success) return TpmResult.DaaInputData0;
        if (!blob.BlobIntegrity.FixedTimeEquals(DaaIntegrity(blob)) || blob.ResourceType != type) return TpmResult.DaaInputData0;
        byte[] plain = CopyToScratch(blob.SensitiveData.Span);
        SymmetricCipher.AesCtr(key.Span, blob.AdditionalData.Span, plain);
        if (WireFormat.Read(plain, out TpmDaaSensitive sensitive, Scratch) != TpmResult.Success) return TpmResult.DaaInputData0;
        internalData = sensitive.InternalData;
        return TpmResult.Success;
    }

    private TpmDigest DaaIntegrity(TpmDaaBlob blob)
    {
        blob.BlobIntegrity = default;
        TpmDigest hmac = default;
        HMACSHA1.HashData(PermanentData.DaaProof!.Span, WireFormat.ToBytes(blob), hmac.Span);
        return hmac;
    }
}
