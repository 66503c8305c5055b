using Vtpm.Engine.Commands.Storage;
using Vtpm.Wire;

namespace Vtpm.Engine.Commands.Deprecated;

/// <summary><c>TPM_LoadKey</c>, Part 3 §27.8: TPM_LoadKey2 of version 1.1, whose response HMAC covers the new handle.</summary>
public sealed class LoadKey()
    : TpmCommand<LoadKey2Request, LoadKey2Response>(
        TpmOrdinal.LoadKey, Sessions.None | Sessions.One, Availability.Owned, Duration.Medium, inHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in LoadKey2Request request, ref LoadKey2Response response) =>
        LoadKey2.Load(tpm, request.ParentHandle, request.InKey, out response.InKeyHandle);
}
