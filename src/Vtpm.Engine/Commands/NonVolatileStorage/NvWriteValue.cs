using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.NonVolatileStorage;

/// <summary>The request of TPM_NV_WriteValue and TPM_NV_WriteValueAuth.</summary>
public struct NvWriteValueRequest : IWireStructure<NvWriteValueRequest>
{
    public uint NvIndex;
    public uint Offset;
    public ReadOnlyMemory<byte> Data;

    public static void Describe<TCodec>(ref TCodec wire, ref NvWriteValueRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.NvIndex);
        wire.UInt32(ref value.Offset);
        wire.Sized32(ref value.Data);
    }
}

/// <summary><c>TPM_NV_WriteValue</c>, Part 3 §20.2: writes an area, by the owner or where no authorization is asked for.</summary>
public sealed class NvWriteValue()
    : TpmCommand<NvWriteValueRequest, NoParameters>(
        TpmOrdinal.NvWriteValue, Sessions.None | Sessions.One, Availability.Always, Duration.Short, secretRequest: true)
{
    protected override TpmResult Execute(CommandContext tpm, in NvWriteValueRequest request, ref NoParameters response)
    {
        if (request.NvIndex == TpmNvIndex.Index0) return LockGlobally(tpm, request);
        if (NvAccess.Find(tpm, request.NvIndex) is not { } area) return BadIndex;
        if (tpm.PermanentFlags.NvLocked && CheckOwner(tpm, area).Failed(out TpmResult error)) return error;
        if (AuthorizeOwner(tpm, out uint unownedWrites).Failed(out error)) return error;
        if (area.Allows(TpmNvPermission.AuthWrite)) return AuthConflict;
        if (tpm.PermanentFlags.NvLocked && CheckRules(tpm, area).Failed(out error)) return error;
        if (NvAccess.Write(tpm, area, request.Offset, request.Data.Span).Failed(out error)) return error;
        if (!request.Data.IsEmpty) tpm.PermanentData = tpm.PermanentData with { NoOwnerNvWrite = unownedWrites };
        return Success;
    }

    /// <summary>Actions 4 to 6 for TPM_NV_INDEX0, which is no area.</summary>
    private static TpmResult LockGlobally(CommandContext tpm, in NvWriteValueRequest request)
    {
        if (AuthorizeOwner(tpm, out _).Failed(out TpmResult error)) return error;
        if (!request.Data.IsEmpty) return BadIndex;
        tpm.StClearFlags = tpm.StClearFlags with { BGlobalLock = true };
        return Success;
    }

    /// <summary>Actions 3, 4a and 5a.</summary>
    private static TpmResult CheckOwner(CommandContext tpm, NvArea area)
    {
        bool isOwners = area.Allows(TpmNvPermission.OwnerWrite);
        if (isOwners && tpm.CheckEnabled().Failed(out TpmResult error)) return error;
        return isOwners == (tpm.Auths.Count == 1) ? Success : AuthConflict;
    }

    /// <summary>Actions 4b and 5b: an authorization that is sent must be right, also where none is asked for.</summary>
    private static TpmResult AuthorizeOwner(CommandContext tpm, out uint unownedWrites)
    {
        unownedWrites = tpm.PermanentData.NoOwnerNvWrite;
        return tpm.Auths.Count == 1 ? tpm.AuthorizeOwner() : tpm.CountUnownedWrite(out unownedWrites);
    }

    /// <summary>Actions 8 to 13.</summary>
    private static TpmResult CheckRules(CommandContext tpm, NvArea area)
    {
        if (NvAccess.CheckLocality(tpm, area.PcrInfoWrite).Failed(out TpmResult error)) return error;
        if (NvAccess.CheckPresence(tpm, area, TpmNvPermission.PPWrite).Failed(out error)) return error;
        if (NvAccess.CheckWriteLocks(tpm, area).Failed(out error)) return error;
        return NvAccess.CheckPcrs(tpm, area.PcrInfoWrite);
    }
}
