using Vtpm.Engine.Commands.SessionManagement;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Deprecated;

public struct SaveKeyContextRequest : IWireStructure<SaveKeyContextRequest>
{
    public uint KeyHandle;

    public static void Describe<TCodec>(ref TCodec wire, ref SaveKeyContextRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.UInt32(ref value.KeyHandle);
}

/// <summary><c>TPM_SaveKeyContext</c>, Part 3 §27.2.1: takes a key out of its slot, in a blob that is valid while the power lasts.</summary>
public sealed class SaveKeyContext()
    : TpmCommand<SaveKeyContextRequest, SaveContextResponse>(
        TpmOrdinal.SaveKeyContext, Sessions.None, Availability.NoOwner, Duration.Medium, inHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in SaveKeyContextRequest request, ref SaveContextResponse response)
    {
        if (!tpm.State.Keys.TryFind(request.KeyHandle, out LoadedKey? key)) return InvalidKeyHandle;
        var context = new SaveContextRequest { Handle = key.Handle, ResourceType = TpmResourceType.Key };
        if (SaveContext.SaveKey(tpm, context, isOfPowerSession: true, ref response).Failed(out TpmResult error)) return error;
        tpm.UnloadKey(key);
        return Success;
    }
}
