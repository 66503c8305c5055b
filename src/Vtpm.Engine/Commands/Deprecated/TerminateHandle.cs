using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Deprecated;

public struct TerminateHandleRequest : IWireStructure<TerminateHandleRequest>
{
    public uint Handle;

    public static void Describe<TCodec>(ref TCodec wire, ref TerminateHandleRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.UInt32(ref value.Handle);
}

/// <summary><c>TPM_Terminate_Handle</c>, Part 3 §27.1.2: ends an authorization session.</summary>
public sealed class TerminateHandle()
    : TpmCommand<TerminateHandleRequest, NoParameters>(TpmOrdinal.TerminateHandle, Sessions.None, Availability.Always, Duration.Short, inHandles: 1)
{
    internal override int KeyHandles(ReadOnlySpan<byte> parameters) => 0;

    protected override TpmResult Execute(CommandContext tpm, in TerminateHandleRequest request, ref NoParameters response)
    {
        if (tpm.State.Sessions.Find(request.Handle) is null) return InvalidAuthHandle;
        tpm.State = tpm.State with { Sessions = tpm.State.Sessions.Remove(request.Handle) };
        return Success;
    }
}
