using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.NonVolatileStorage;

/// <summary><c>TPM_NV_ReadValueAuth</c>, Part 3 §20.5: reads an area that has an authorization value of its own.</summary>
public sealed class NvReadValueAuth()
    : TpmCommand<NvReadValueRequest, NvReadValueResponse>(TpmOrdinal.NvReadValueAuth, Sessions.One, Availability.Owned, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in NvReadValueRequest request, ref NvReadValueResponse response)
    {
        if (NvAccess.Find(tpm, request.NvIndex) is not { } area) return BadIndex;
        if (!area.Allows(TpmNvPermission.AuthRead)) return AuthConflict;
        if (tpm.Authorize(area.Entity, area.Auth).Failed(out TpmResult error)) return error;
        if (NvAccess.CheckPresence(tpm, area, TpmNvPermission.PPRead).Failed(out error)) return error;
        if (NvAccess.CheckLocality(tpm, area.PcrInfoRead).Failed(out error)) return error;
        if (NvAccess.CheckPcrs(tpm, area.PcrInfoRead).Failed(out error)) return error;
        if (NvAccess.CheckReadLock(tpm, area).Failed(out error)) return error;
        return NvAccess.Read(tpm, area, request.Offset, request.DataSize, out response.Data);
    }
}
