using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Daa;

public struct DaaRequest : IWireStructure<DaaRequest>
{
    /// <summary>The session; whatever it is at stage 0.</summary>
    public uint Handle;
    public byte Stage;
    public ReadOnlyMemory<byte> InputData0;
    public ReadOnlyMemory<byte> InputData1;

    public static void Describe<TCodec>(ref TCodec wire, ref DaaRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Handle);
        wire.UInt8(ref value.Stage);
        wire.Sized32(ref value.InputData0);
        wire.Sized32(ref value.InputData1);
    }
}

public struct DaaResponse : IWireStructure<DaaResponse>
{
    public ReadOnlyMemory<byte> OutputData;

    public static void Describe<TCodec>(ref TCodec wire, ref DaaResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized32(ref value.OutputData);
}

/// <summary>What the stages of TPM_DAA_Join and TPM_DAA_Sign have in common: whose authority it is, in which order they go, and how a session ends.</summary>
public abstract class DaaCommand : TpmCommand<DaaRequest, DaaResponse>
{
    private readonly int _lastStage;

    private protected DaaCommand(TpmOrdinal ordinal, int lastStage)
        : base(ordinal, Sessions.One, Availability.Owned, Duration.Long, inHandles: 1) => _lastStage = lastStage;

    /// <summary>The handle is that of a session.</summary>
    internal sealed override int KeyHandles(ReadOnlySpan<byte> parameters) => 0;

    /// <summary>The stages: the table of the command's description. A stage beyond them is TPM_DAA_STAGE.</summary>
    private protected abstract TpmResult RunStage(int stage, ref DaaStep step);

    /// <summary>What every stage asks for before its own actions: that the parts of the session belong together.</summary>
    private protected abstract TpmResult CheckSettings(int stage, in DaaStep step);

    /// <summary>DAA_digestContext as it must be now.</summary>
    private protected abstract TpmDigest DigestContext(in DaaStep step);

    protected sealed override TpmResult Execute(CommandContext tpm, in DaaRequest request, ref DaaResponse response)
    {
        // Action 2: any error ends the session, also one that comes before the session was looked at.
        if (request.Stage > 0) tpm.EndDaaSessionOnFailure(request.Handle);
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        var step = new DaaStep(tpm, request.InputData0, request.InputData1);
        if (request.Stage > 0 && Resume(request, ref step).Failed(out error)) return error;
        step.Data.Session.DaaStage = (byte)(request.Stage + 1);
        if (RunStage(request.Stage, ref step).Failed(out error)) return error;
        response.OutputData = step.OutputData;
        if (request.Stage == _lastStage)
        {
            tpm.State = tpm.State with { DaaSessions = tpm.State.DaaSessions.Remove(request.Handle) };
            return Success;
        }

        step.Data.Session.DaaDigestContext = DigestContext(step);
        var data = new Secret(WireFormat.ToBytes(step.Data, tpm.Scratch));
        if (request.Stage == 0) return Open(tpm, data, ref response);
        tpm.State = tpm.State with { DaaSessions = tpm.State.DaaSessions.Replace(new DaaSession(request.Handle, data)) };
        return Success;
    }

    /// <summary>The session of the handle, at the stage that it is to go on with.</summary>
    private TpmResult Resume(in DaaRequest request, ref DaaStep step)
    {
        if (!step.Tpm.State.DaaSessions.TryFind(request.Handle, out DaaSession? session)) return BadHandle;
        if (WireFormat.Read(session.Data.Span, out step.Data, step.Tpm.Scratch) != Success) return Fail;
        return step.Data.Session.DaaStage == request.Stage ? CheckSettings(request.Stage, step) : TpmResult.DaaStage;
    }

    /// <summary>The end of stage 0: outputData is the new handle.</summary>
    private static TpmResult Open(CommandContext tpm, Secret data, ref DaaResponse response)
    {
        if (tpm.OpenDaaSession(data, out uint handle).Failed(out TpmResult error)) return error;
        byte[] output = new byte[sizeof(uint)];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(output, handle);
        response.OutputData = output;
        return Success;
    }
}
