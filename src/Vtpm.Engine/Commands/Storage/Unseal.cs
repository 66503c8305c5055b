using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Storage;

public struct UnsealRequest : IWireStructure<UnsealRequest>
{
    public uint ParentHandle;
    public TpmStoredData InData;

    public static void Describe<TCodec>(ref TCodec wire, ref UnsealRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.ParentHandle);
        wire.Structure(ref value.InData);
    }
}

public struct UnsealResponse : IWireStructure<UnsealResponse>
{
    public ReadOnlyMemory<byte> Secret;

    public static void Describe<TCodec>(ref TCodec wire, ref UnsealResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized32(ref value.Secret);
}

/// <summary><c>TPM_Unseal</c>, Part 3 §10.2: reveals sealed data in the configuration that it was sealed for.</summary>
public sealed class Unseal()
    : TpmCommand<UnsealRequest, UnsealResponse>(TpmOrdinal.Unseal, Sessions.One | Sessions.Two, Availability.Owned, Duration.Medium, inHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in UnsealRequest request, ref UnsealResponse response)
    {
        if (tpm.UseKey(request.ParentHandle, out LoadedKey parent).Failed(out TpmResult error)) return error;
        if (Seal.CheckStorageKey(parent).Failed(out error)) return error;
        if (Open(tpm, parent, request.InData, out TpmSealedData data) != Success) return NotSealedBlob;
        if (CheckConfiguration(tpm, request.InData).Failed(out error)) return error;
        // Action 8: the second secret is known only now.
        if (tpm.Authorize(new AuthEntity(TpmEntityType.Data, data.StoredDigest), tpm.Scratch.Keep(new Secret(data.AuthData.ReadOnlySpan))).Failed(out error)) return error;
        response.Secret = data.Data;
        return request.InData.IsStoredData12 && request.InData.EntityType != 0 ? Conceal(tpm, request.InData, ref response.Secret) : Success;
    }

    /// <summary>Actions 5 and 6.</summary>
    private static TpmResult Open(CommandContext tpm, LoadedKey parent, in TpmStoredData stored, out TpmSealedData data)
    {
        if (tpm.Decrypt(parent, stored.EncData, out data) != Success) return NotSealedBlob;
        bool isBound = data.StoredDigest.FixedTimeEquals(stored.StoredDigest()) | data.StoredDigest.FixedTimeEquals(stored.StoredDigestOfEmulator());
        return tpm.IsTpmProof(data.TpmProof.ReadOnlySpan) & isBound && data.Payload == TpmPayloadType.Seal ? Success : NotSealedBlob;
    }

    /// <summary>Action 7.</summary>
    private static TpmResult CheckConfiguration(CommandContext tpm, in TpmStoredData stored)
    {
        if (PcrBinding.Read(stored.SealInfo, stored.IsStoredData12, out PcrBinding binding).Failed(out TpmResult error)) return error;
        return binding.Check(tpm.State.Pcrs, tpm.LocalityBit);
    }

    /// <summary>Action 9: what TPM_Sealx protected on its way in leaves protected by the first session.</summary>
    private static TpmResult Conceal(CommandContext tpm, in TpmStoredData stored, ref ReadOnlyMemory<byte> secret)
    {
        if (tpm.Auths.Count != 2) return AuthFail;
        if (tpm.Auths[0].Session.SharedSecret is null) return BadMode;
        byte[] concealed = tpm.Scratch.Allocate(secret.Length);
        secret.Span.CopyTo(concealed);
        if (tpm.CryptParameter((TpmAdipEncScheme)(stored.EntityType >> 8), tpm.Auths[0], concealed).Failed(out TpmResult error)) return error;
        tpm.Auths[0].Continue = false;
        secret = concealed;
        return Success;
    }
}
