using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Deprecated;

public struct EvictKeyRequest : IWireStructure<EvictKeyRequest>
{
    public uint EvictHandle;

    public static void Describe<TCodec>(ref TCodec wire, ref EvictKeyRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.UInt32(ref value.EvictHandle);
}

/// <summary><c>TPM_EvictKey</c>, Part 3 §27.1.1: takes a key out of its slot.</summary>
public sealed class EvictKey()
    : TpmCommand<EvictKeyRequest, NoParameters>(TpmOrdinal.EvictKey, Sessions.None, Availability.Owned, Duration.Short, inHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in EvictKeyRequest request, ref NoParameters response)
    {
        if (!tpm.State.Keys.TryFind(request.EvictHandle, out LoadedKey? key)) return InvalidKeyHandle;
        if (key.OwnerEvict) return KeyOwnerControl;
        tpm.UnloadKey(key);
        return Success;
    }
}
