using Vtpm.Engine.Commands.SessionManagement;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Deprecated;

/// <summary><c>TPM_LoadAuthContext</c>, Part 3 §27.2.4: brings back what TPM_SaveAuthContext has taken out.</summary>
public sealed class LoadAuthContext()
    : TpmCommand<LoadBlobRequest, LoadContextResponse>(TpmOrdinal.LoadAuthContext, Sessions.None, Availability.NoOwner, Duration.Medium, outHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in LoadBlobRequest request, ref LoadContextResponse response)
    {
        if (tpm.OpenContext(request.ContextBlob, out TpmContextBlob blob, out TpmContextSensitive sensitive).Failed(out TpmResult error)) return error;
        if (blob.ResourceType != TpmResourceType.Auth) return BadContext;
        if (LoadContext.ReadSession(tpm, blob, sensitive, out SavedSession saved).Failed(out error)) return error;
        return LoadContext.Reopen(tpm, blob, saved, out response.Handle);
    }
}
