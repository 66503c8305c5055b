using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Delegation;

public struct DelegateLoadOwnerDelegationRequest : IWireStructure<DelegateLoadOwnerDelegationRequest>
{
    public uint Index;

    /// <summary>A TPM_DELEGATE_OWNER_BLOB. While there is no owner, its secret is in the clear.</summary>
    public ReadOnlyMemory<byte> Blob;

    public static void Describe<TCodec>(ref TCodec wire, ref DelegateLoadOwnerDelegationRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Index);
        wire.Sized32(ref value.Blob);
    }
}

/// <summary><c>TPM_Delegate_LoadOwnerDelegation</c>, Part 3 §19.4: puts an owner delegation into a row of the delegate table.</summary>
public sealed class DelegateLoadOwnerDelegation()
    : TpmCommand<DelegateLoadOwnerDelegationRequest, NoParameters>(
        TpmOrdinal.DelegateLoadOwnerDelegation,
        Sessions.None | Sessions.One,
        Availability.NoOwner,
        Duration.Medium,
        secretRequest: true)
{
    protected override TpmResult Execute(CommandContext tpm, in DelegateLoadOwnerDelegationRequest request, ref NoParameters response)
    {
        if (WireFormat.Read(request.Blob.Span, out TpmDelegateOwnerBlob blob, tpm.Scratch).Failed(out TpmResult error)) return error;
        if (!tpm.Permanent.Delegation.TryFindFamily(blob.Pub.FamilyId, out TpmFamilyTableEntry family)) return BadIndex;
        if (Authorize(tpm, family, request.Index, out uint unownedWrites).Failed(out error)) return error;
        if (!family.Flags.HasFlag(TpmFamilyFlags.Enabled)) return DisabledCmd;
        if (Open(tpm, blob, out Secret authValue).Failed(out error)) return error;
        if (DelegatePermissions.CheckPublic(blob.Pub, TpmDelegateType.OwnerBits).Failed(out error)) return error;
        if (request.Index >= DelegationTables.DelegateRows) return BadIndex;
        tpm.EndDelegatedSessions();
        var row = new DelegateRow(CommandContext.Persistent(blob.Pub), new Secret(authValue.Span));
        tpm.Permanent = tpm.Permanent with { Delegation = tpm.Permanent.Delegation.WithRow(request.Index, row) };
        tpm.PermanentData = tpm.PermanentData with { NoOwnerNvWrite = unownedWrites };
        return Success;
    }

    /// <summary>
    /// Actions 4 and 5. The row that is written over counts as well: it is under the lock of its own family, and another family's delegate may not
    /// touch it (Part 1 §29.3, §29.5).
    /// </summary>
    private static TpmResult Authorize(CommandContext tpm, in TpmFamilyTableEntry family, uint index, out uint unownedWrites)
    {
        unownedWrites = tpm.PermanentData.NoOwnerNvWrite;
        DelegateRow? replaced = tpm.Permanent.Delegation.FindRow(index);
        if (tpm.HasOwner || tpm.Auths.Count == 1)
        {
            if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
            if (tpm.CheckDelegate(family.FamilyId).Failed(out error)) return error;
            return replaced is null ? Success : tpm.CheckDelegate(replaced.Pub.FamilyId);
        }

        if (family.Flags.HasFlag(TpmFamilyFlags.DelegateAdminLock) || IsLocked(tpm, replaced)) return DelegateLock;
        return tpm.CountUnownedWrite(out unownedWrites);
    }

    private static bool IsLocked(CommandContext tpm, DelegateRow? row) =>
        row is not null
        && tpm.Permanent.Delegation.TryFindFamily(row.Pub.FamilyId, out TpmFamilyTableEntry family)
        && family.Flags.HasFlag(TpmFamilyFlags.DelegateAdminLock);

    /// <summary>Actions 7 to 9: while there is no owner, anybody makes the blobs, without encryption or integrity.</summary>
    private static TpmResult Open(CommandContext tpm, in TpmDelegateOwnerBlob blob, out Secret authValue)
    {
        if (tpm.HasOwner)
        {
            TpmResult result = tpm.OpenDelegation(blob, out authValue);
            return result == BadDelegate ? InvalidStructure : result;
        }

        authValue = null!;
        if (WireFormat.Read(blob.SensitiveArea.Span, out TpmDelegateSensitive sensitive) != Success) return InvalidStructure;
        authValue = tpm.Scratch.Keep(new Secret(sensitive.AuthValue.ReadOnlySpan));
        return Success;
    }
}
