using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Delegation;

public struct DelegateManageRequest : IWireStructure<DelegateManageRequest>
{
    public uint FamilyId;
    public TpmFamilyOperation OpCode;

    /// <summary>A TPM_FAMILY_LABEL for a family to be made, a BOOL for a flag to be set.</summary>
    public ReadOnlyMemory<byte> OpData;

    public static void Describe<TCodec>(ref TCodec wire, ref DelegateManageRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.FamilyId);
        wire.Enum(ref value.OpCode);
        wire.Sized32(ref value.OpData);
    }
}

public struct DelegateManageResponse : IWireStructure<DelegateManageResponse>
{
    /// <summary>The id of a family that was made; empty for the other operations.</summary>
    public ReadOnlyMemory<byte> RetData;

    public static void Describe<TCodec>(ref TCodec wire, ref DelegateManageResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized32(ref value.RetData);
}

/// <summary><c>TPM_Delegate_Manage</c>, Part 3 §19.1: makes families of delegations, enables, locks and invalidates them.</summary>
public sealed class DelegateManage()
    : TpmCommand<DelegateManageRequest, DelegateManageResponse>(
        TpmOrdinal.DelegateManage, Sessions.None | Sessions.One, Availability.NoOwner, Duration.Medium)
{
    protected override TpmResult Execute(CommandContext tpm, in DelegateManageRequest request, ref DelegateManageResponse response)
    {
        bool creates = request.OpCode == TpmFamilyOperation.Create;
        TpmFamilyTableEntry family = default;
        if (!creates && !tpm.Permanent.Delegation.TryFindFamily(request.FamilyId, out family)) return BadIndex;
        if (Authorize(tpm, family, creates, out uint unownedWrites).Failed(out TpmResult error)) return error;
        tpm.EndDelegatedSessions();
        TpmResult result = request.OpCode switch
        {
            TpmFamilyOperation.Create => Create(tpm, request.OpData.Span, ref response),
            TpmFamilyOperation.Admin => SetFlag(tpm, family, TpmFamilyFlags.DelegateAdminLock, request.OpData.Span),
            TpmFamilyOperation.Enable => SetFlag(tpm, family, TpmFamilyFlags.Enabled, request.OpData.Span),
            TpmFamilyOperation.Invalidate => Invalidate(tpm, family),
            _ => BadParameter,
        };
        if (result != Success) return result;
        tpm.PermanentData = tpm.PermanentData with { NoOwnerNvWrite = unownedWrites };
        return Success;
    }

    /// <summary>
    /// Actions 2 and 3: the owner, or whom it has delegated its authority to; while there is no owner, anybody, as long as the family is not locked.
    /// </summary>
    private static TpmResult Authorize(CommandContext tpm, in TpmFamilyTableEntry family, bool creates, out uint unownedWrites)
    {
        unownedWrites = tpm.PermanentData.NoOwnerNvWrite;
        if (tpm.Auths.Count == 1)
        {
            if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
            return creates ? Success : tpm.CheckDelegate(family.FamilyId);
        }

        if (tpm.HasOwner) return AuthFail;
        if (family.Flags.HasFlag(TpmFamilyFlags.DelegateAdminLock)) return DelegateLock;
        return tpm.CountUnownedWrite(out unownedWrites);
    }

    /// <summary>Action 5.</summary>
    private static TpmResult Create(CommandContext tpm, ReadOnlySpan<byte> opData, ref DelegateManageResponse response)
    {
        if (tpm.Permanent.Delegation.Families.Length >= DelegationTables.FamilyRows) return NoSpace;
        if (opData.Length != sizeof(byte)) return BadParamSize;
        // An id that comes again would make blobs of another family valid.
        if (tpm.PermanentData.LastFamilyId == uint.MaxValue) return NoSpace;
        var family = new TpmFamilyTableEntry
        {
            FamilyLabel = opData[0],
            FamilyId = tpm.PermanentData.LastFamilyId + 1,
            VerificationCount = 1,
        };
        tpm.PermanentData = tpm.PermanentData with { LastFamilyId = family.FamilyId };
        tpm.Permanent = tpm.Permanent with { Delegation = tpm.Permanent.Delegation.With(family) };
        byte[] familyId = new byte[sizeof(uint)];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(familyId, family.FamilyId);
        response.RetData = familyId;
        return Success;
    }

    /// <summary>Actions 7 and 8.</summary>
    private static TpmResult SetFlag(CommandContext tpm, TpmFamilyTableEntry family, TpmFamilyFlags flag, ReadOnlySpan<byte> opData)
    {
        if (opData.Length != sizeof(bool)) return BadParamSize;
        if (opData[0] > 1) return BadParameter;
        family.Flags = opData[0] == 1 ? family.Flags | flag : family.Flags & ~flag;
        tpm.Permanent = tpm.Permanent with { Delegation = tpm.Permanent.Delegation.With(family) };
        return Success;
    }

    /// <summary>Action 9. The rows go with their family: nothing else can ever take them out, and their secrets are of no use any more.</summary>
    private static TpmResult Invalidate(CommandContext tpm, in TpmFamilyTableEntry family)
    {
        tpm.Permanent = tpm.Permanent with { Delegation = tpm.Permanent.Delegation.WithoutFamily(family.FamilyId) };
        return Success;
    }
}
