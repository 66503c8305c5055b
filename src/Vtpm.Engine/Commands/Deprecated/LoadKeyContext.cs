using Vtpm.Engine.Commands.SessionManagement;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Deprecated;

/// <summary>Of TPM_LoadKeyContext and TPM_LoadAuthContext.</summary>
public struct LoadBlobRequest : IWireStructure<LoadBlobRequest>
{
    public ReadOnlyMemory<byte> ContextBlob;

    public static void Describe<TCodec>(ref TCodec wire, ref LoadBlobRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized32(ref value.ContextBlob);
}

/// <summary><c>TPM_LoadKeyContext</c>, Part 3 §27.2.2: brings back what TPM_SaveKeyContext has taken out.</summary>
public sealed class LoadKeyContext()
    : TpmCommand<LoadBlobRequest, LoadContextResponse>(TpmOrdinal.LoadKeyContext, Sessions.None, Availability.NoOwner, Duration.Short, outHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in LoadBlobRequest request, ref LoadContextResponse response)
    {
        if (tpm.OpenContext(request.ContextBlob, out TpmContextBlob blob, out TpmContextSensitive sensitive).Failed(out TpmResult error)) return error;
        if (blob.ResourceType != TpmResourceType.Key) return BadContext;
        return LoadContext.LoadKey(tpm, blob, sensitive, keepHandle: false, out response.Handle);
    }
}
