using Vtpm.Engine.Commands.SessionManagement;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Eviction;

public struct FlushSpecificRequest : IWireStructure<FlushSpecificRequest>
{
    /// <summary>A handle; the contextCount of a context that is saved.</summary>
    public uint Handle;
    public TpmResourceType ResourceType;

    public static void Describe<TCodec>(ref TCodec wire, ref FlushSpecificRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Handle);
        wire.Enum(ref value.ResourceType);
    }
}

/// <summary><c>TPM_FlushSpecific</c>, Part 3 §22.1: releases a key, a session, or a session that is saved outside.</summary>
public sealed class FlushSpecific()
    : TpmCommand<FlushSpecificRequest, NoParameters>(TpmOrdinal.FlushSpecific, Sessions.None, Availability.Always, Duration.Short, inHandles: 1)
{
    internal override int KeyHandles(ReadOnlySpan<byte> parameters) => SaveContext.NamesKey(parameters) ? 1 : 0;

    protected override TpmResult Execute(CommandContext tpm, in FlushSpecificRequest request, ref NoParameters response)
    {
        switch (request.ResourceType)
        {
            case TpmResourceType.Context:
                if (!tpm.State.StAnyData.ContextList.Contains(request.Handle)) return BadParameter;
                LoadContext.ForgetContext(tpm, request.Handle);
                return Success;
            case TpmResourceType.Key:
                // The EK and the SRK are in no slot: they cannot be flushed.
                if (!tpm.State.Keys.TryFind(request.Handle, out LoadedKey? key)) return BadParameter;
                if (key.OwnerEvict) return KeyOwnerControl;
                tpm.UnloadKey(key);
                return Success;
            case TpmResourceType.Auth:
                if (tpm.State.Sessions.Find(request.Handle) is null) return BadParameter;
                tpm.State = tpm.State with { Sessions = tpm.State.Sessions.Remove(request.Handle) };
                return Success;
            case TpmResourceType.Trans:
                if (tpm.State.Transports.Find(request.Handle) is null) return BadParameter;
                tpm.State = tpm.State with { Transports = tpm.State.Transports.Remove(request.Handle) };
                return Success;
            case TpmResourceType.DaaTpm:
                if (tpm.State.DaaSessions.Find(request.Handle) is null) return BadParameter;
                tpm.State = tpm.State with { DaaSessions = tpm.State.DaaSessions.Remove(request.Handle) };
                return Success;
            default:
                return InvalidResource;
        }
    }
}
