using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.NonVolatileStorage;

/// <summary>The request of TPM_NV_ReadValue and TPM_NV_ReadValueAuth.</summary>
public struct NvReadValueRequest : IWireStructure<NvReadValueRequest>
{
    public uint NvIndex;
    public uint Offset;
    public uint DataSize;

    public static void Describe<TCodec>(ref TCodec wire, ref NvReadValueRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.NvIndex);
        wire.UInt32(ref value.Offset);
        wire.UInt32(ref value.DataSize);
    }
}

/// <summary>The response of TPM_NV_ReadValue and TPM_NV_ReadValueAuth.</summary>
public struct NvReadValueResponse : IWireStructure<NvReadValueResponse>
{
    public ReadOnlyMemory<byte> Data;

    public static void Describe<TCodec>(ref TCodec wire, ref NvReadValueResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized32(ref value.Data);
}

/// <summary><c>TPM_NV_ReadValue</c>, Part 3 §20.4: reads an area, by the owner or where no authorization is asked for.</summary>
public sealed class NvReadValue()
    : TpmCommand<NvReadValueRequest, NvReadValueResponse>(
        TpmOrdinal.NvReadValue, Sessions.None | Sessions.One, Availability.Always, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in NvReadValueRequest request, ref NvReadValueResponse response)
    {
        if (NvAccess.Find(tpm, request.NvIndex) is not { } area) return BadIndex;
        bool nvLocked = tpm.PermanentFlags.NvLocked;
        if (nvLocked && CheckOwner(tpm, area).Failed(out TpmResult error)) return error;
        if (tpm.Auths.Count == 1 && tpm.AuthorizeOwner().Failed(out error)) return error;
        if (area.Allows(TpmNvPermission.AuthRead)) return AuthConflict;
        if (nvLocked && CheckRules(tpm, area).Failed(out error)) return error;
        return NvAccess.Read(tpm, area, request.Offset, request.DataSize, out response.Data);
    }

    /// <summary>Actions 3, 4a and 5b.</summary>
    private static TpmResult CheckOwner(CommandContext tpm, NvArea area)
    {
        bool isOwners = area.Allows(TpmNvPermission.OwnerRead);
        if (isOwners && tpm.CheckEnabled().Failed(out TpmResult error)) return error;
        return isOwners == (tpm.Auths.Count == 1) ? Success : AuthConflict;
    }

    /// <summary>Actions 6 to 9.</summary>
    private static TpmResult CheckRules(CommandContext tpm, NvArea area)
    {
        if (NvAccess.CheckLocality(tpm, area.PcrInfoRead).Failed(out TpmResult error)) return error;
        if (NvAccess.CheckPresence(tpm, area, TpmNvPermission.PPRead).Failed(out error)) return error;
        if (NvAccess.CheckReadLock(tpm, area).Failed(out error)) return error;
        return NvAccess.CheckPcrs(tpm, area.PcrInfoRead);
    }
}
