using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Auditing;

public struct GetAuditDigestRequest : IWireStructure<GetAuditDigestRequest>
{
    public TpmOrdinal StartOrdinal;

    public static void Describe<TCodec>(ref TCodec wire, ref GetAuditDigestRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Enum(ref value.StartOrdinal);
}

public struct GetAuditDigestResponse : IWireStructure<GetAuditDigestResponse>
{
    public const int FixedSize = 10 + TpmDigest.Size + 1 + 4;

    public TpmCounterValue CounterValue;
    public TpmDigest AuditDigest;
    public bool More;

    /// <summary>Ordinals, four bytes each.</summary>
    public ReadOnlyMemory<byte> OrdList;

    public static void Describe<TCodec>(ref TCodec wire, ref GetAuditDigestResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.CounterValue);
        TpmDigest.Describe(ref wire, ref value.AuditDigest);
        wire.Bool(ref value.More);
        wire.Sized32(ref value.OrdList);
    }
}

/// <summary><c>TPM_GetAuditDigest</c>, Part 3 §8.3: the digest of what was audited, and what is audited.</summary>
public sealed class GetAuditDigest()
    : TpmCommand<GetAuditDigestRequest, GetAuditDigestResponse>(
        TpmOrdinal.GetAuditDigest, Sessions.None, Availability.NoOwner, Duration.Short, Audit.Never)
{
    protected override TpmResult Execute(CommandContext tpm, in GetAuditDigestRequest request, ref GetAuditDigestResponse response)
    {
        response.AuditDigest = tpm.State.StAnyData.AuditDigest;
        response.CounterValue = tpm.AuditCount;
        byte[] list = AuditedOrdinals.List(tpm, request.StartOrdinal);
        int room = (tpm.ResponseRoom - GetAuditDigestResponse.FixedSize) / sizeof(uint) * sizeof(uint);
        response.More = list.Length > room;
        response.OrdList = list.AsMemory(0, Math.Min(list.Length, room));
        return Success;
    }
}
