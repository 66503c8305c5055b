using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Auditing;

public struct GetAuditDigestSignedRequest : IWireStructure<GetAuditDigestSignedRequest>
{
    public uint KeyHandle;
    public bool CloseAudit;
    public TpmNonce AntiReplay;

    public static void Describe<TCodec>(ref TCodec wire, ref GetAuditDigestSignedRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.KeyHandle);
        wire.Bool(ref value.CloseAudit);
        TpmNonce.Describe(ref wire, ref value.AntiReplay);
    }
}

public struct GetAuditDigestSignedResponse : IWireStructure<GetAuditDigestSignedResponse>
{
    public TpmCounterValue CounterValue;
    public TpmDigest AuditDigest;
    public TpmDigest OrdinalDigest;
    public ReadOnlyMemory<byte> Sig;

    public static void Describe<TCodec>(ref TCodec wire, ref GetAuditDigestSignedResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.CounterValue);
        TpmDigest.Describe(ref wire, ref value.AuditDigest);
        TpmDigest.Describe(ref wire, ref value.OrdinalDigest);
        wire.Sized32(ref value.Sig);
    }
}

/// <summary><c>TPM_GetAuditDigestSigned</c>, Part 3 §8.4: signs the digest of what was audited; an identity of the owner can close it.</summary>
public sealed class GetAuditDigestSigned()
    : TpmCommand<GetAuditDigestSignedRequest, GetAuditDigestSignedResponse>(
        TpmOrdinal.GetAuditDigestSigned, Sessions.None | Sessions.One, Availability.Owned, Duration.Medium, Audit.Never, inHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in GetAuditDigestSignedRequest request, ref GetAuditDigestSignedResponse response)
    {
        if (tpm.UseKey(request.KeyHandle, out LoadedKey key).Failed(out TpmResult error)) return error;
        // Action 3 has one code for a wrong usage and a wrong scheme.
        if (CommandContext.CheckSigner(key) != Success) return InvalidKeyUsage;
        response.AuditDigest = tpm.State.StAnyData.AuditDigest;
        response.CounterValue = tpm.AuditCount;
        response.OrdinalDigest = TpmDigest.Of(AuditedOrdinals.List(tpm, start: 0));
        byte[] data = [.. response.AuditDigest.ReadOnlySpan, .. WireFormat.ToBytes(response.CounterValue), .. response.OrdinalDigest.ReadOnlySpan];
        if (CommandContext.SignInfo(key, TpmSignInfoFixed.Adig, request.AntiReplay, data, out response.Sig).Failed(out error)) return error;
        return request.CloseAudit ? Close(tpm, key) : Success;
    }

    /// <summary>Action 5: identities are the owner's, and so is the end of an audit session.</summary>
    private static TpmResult Close(CommandContext tpm, LoadedKey key)
    {
        if (key.Usage != TpmKeyUsage.Identity) return InvalidKeyUsage;
        tpm.State = tpm.State with { StAnyData = tpm.State.StAnyData with { AuditDigest = default } };
        return Success;
    }
}
