using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.NonVolatileStorage;

/// <summary><c>TPM_NV_WriteValueAuth</c>, Part 3 §20.3: writes an area that has an authorization value of its own.</summary>
public sealed class NvWriteValueAuth()
    : TpmCommand<NvWriteValueRequest, NoParameters>(
        TpmOrdinal.NvWriteValueAuth, Sessions.One, Availability.Owned, Duration.Short, secretRequest: true)
{
    protected override TpmResult Execute(CommandContext tpm, in NvWriteValueRequest request, ref NoParameters response)
    {
        if (NvAccess.Find(tpm, request.NvIndex) is not { } area) return BadIndex;
        if (!area.Allows(TpmNvPermission.AuthWrite)) return AuthConflict;
        if (tpm.Authorize(area.Entity, area.Auth).Failed(out TpmResult error)) return error;
        if (NvAccess.CheckLocality(tpm, area.PcrInfoWrite).Failed(out error)) return error;
        if (NvAccess.CheckPresence(tpm, area, TpmNvPermission.PPWrite).Failed(out error)) return error;
        if (NvAccess.CheckPcrs(tpm, area.PcrInfoWrite).Failed(out error)) return error;
        if (NvAccess.CheckWriteLocks(tpm, area).Failed(out error)) return error;
        return NvAccess.Write(tpm, area, request.Offset, request.Data.Span);
    }
}
