using System.Buffers.Binary;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Delegation;

public struct DelegateUpdateVerificationRequest : IWireStructure<DelegateUpdateVerificationRequest>
{
    /// <summary>A TPM_DELEGATE_KEY_BLOB, a TPM_DELEGATE_OWNER_BLOB or a TPM_DELEGATE_INDEX.</summary>
    public ReadOnlyMemory<byte> InputData;

    public static void Describe<TCodec>(ref TCodec wire, ref DelegateUpdateVerificationRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized32(ref value.InputData);
}

public struct DelegateUpdateVerificationResponse : IWireStructure<DelegateUpdateVerificationResponse>
{
    /// <summary>The blob with the new count; empty for a row of the table.</summary>
    public ReadOnlyMemory<byte> OutputData;

    public static void Describe<TCodec>(ref TCodec wire, ref DelegateUpdateVerificationResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized32(ref value.OutputData);
}

/// <summary><c>TPM_Delegate_UpdateVerification</c>, Part 3 §19.6: takes a delegation over into the present generation of its family.</summary>
public sealed class DelegateUpdateVerification()
    : TpmCommand<DelegateUpdateVerificationRequest, DelegateUpdateVerificationResponse>(
        TpmOrdinal.DelegateUpdateVerification, Sessions.One, Availability.Owned, Duration.Short)
{
    protected override TpmResult Execute(
        CommandContext tpm, in DelegateUpdateVerificationRequest request, ref DelegateUpdateVerificationResponse response)
    {
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        ReadOnlySpan<byte> input = request.InputData.Span;
        if (input.Length == sizeof(uint)) return UpdateRow(tpm, BinaryPrimitives.ReadUInt32BigEndian(input));
        if (WireFormat.Read(input, out TpmDelegateOwnerBlob ownerBlob) == Success) return UpdateBlob(tpm, ownerBlob, ref response);
        if (WireFormat.Read(input, out TpmDelegateKeyBlob keyBlob) == Success) return UpdateBlob(tpm, keyBlob, ref response);
        return BadParameter;
    }

    private static TpmResult UpdateRow(CommandContext tpm, uint index)
    {
        if (tpm.Permanent.Delegation.FindRow(index) is not { } row) return BadIndex;
        TpmDelegatePublic pub = row.Pub;
        if (UpdateCount(tpm, ref pub).Failed(out TpmResult error)) return error;
        tpm.Permanent = tpm.Permanent with { Delegation = tpm.Permanent.Delegation.WithRow(index, new DelegateRow(pub, row.AuthValue)) };
        return Success;
    }

    /// <summary>Actions 3 to 10.</summary>
    private static TpmResult UpdateBlob(CommandContext tpm, TpmDelegateOwnerBlob blob, ref DelegateUpdateVerificationResponse response)
    {
        if (!blob.IntegrityDigest.FixedTimeEquals(tpm.IntegrityOf(blob))) return AuthFail;
        if (UpdateCount(tpm, ref blob.Pub).Failed(out TpmResult error)) return error;
        blob.IntegrityDigest = tpm.IntegrityOf(blob);
        response.OutputData = WireFormat.ToBytes(blob);
        return Success;
    }

    /// <summary>The same for a delegation of a key.</summary>
    private static TpmResult UpdateBlob(CommandContext tpm, TpmDelegateKeyBlob blob, ref DelegateUpdateVerificationResponse response)
    {
        if (!blob.IntegrityDigest.FixedTimeEquals(tpm.IntegrityOf(blob))) return AuthFail;
        if (UpdateCount(tpm, ref blob.Pub).Failed(out TpmResult error)) return error;
        blob.IntegrityDigest = tpm.IntegrityOf(blob);
        response.OutputData = WireFormat.ToBytes(blob);
        return Success;
    }

    /// <summary>Actions 4 to 8. That a delegate's own family is enabled, its authorization has shown.</summary>
    private static TpmResult UpdateCount(CommandContext tpm, ref TpmDelegatePublic pub)
    {
        if (!tpm.Permanent.Delegation.TryFindFamily(pub.FamilyId, out TpmFamilyTableEntry family)) return BadIndex;
        if (tpm.CheckDelegate(pub.FamilyId).Failed(out TpmResult error)) return error;
        pub.VerificationCount = family.VerificationCount;
        return Success;
    }
}
