using Vtpm.Engine.Commands.SessionManagement;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Deprecated;

public struct SaveAuthContextRequest : IWireStructure<SaveAuthContextRequest>
{
    public uint AuthHandle;

    public static void Describe<TCodec>(ref TCodec wire, ref SaveAuthContextRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.UInt32(ref value.AuthHandle);
}

/// <summary><c>TPM_SaveAuthContext</c>, Part 3 §27.2.3: takes an authorization session out of the TPM.</summary>
public sealed class SaveAuthContext()
    : TpmCommand<SaveAuthContextRequest, SaveContextResponse>(
        TpmOrdinal.SaveAuthContext, Sessions.None, Availability.NoOwner, Duration.Medium, inHandles: 1)
{
    internal override int KeyHandles(ReadOnlySpan<byte> parameters) => 0;

    protected override TpmResult Execute(CommandContext tpm, in SaveAuthContextRequest request, ref SaveContextResponse response)
    {
        if (tpm.State.Sessions.Find(request.AuthHandle) is null) return InvalidAuthHandle;
        var context = new SaveContextRequest { Handle = request.AuthHandle, ResourceType = TpmResourceType.Auth };
        if (SaveContext.SaveSession(tpm, context, out uint contextCount, ref response).Failed(out TpmResult error)) return error;
        StAnyData data = tpm.State.StAnyData;
        tpm.State = tpm.State with { StAnyData = data with { AuthContextList = [.. data.AuthContextList, contextCount] } };
        return Success;
    }
}
