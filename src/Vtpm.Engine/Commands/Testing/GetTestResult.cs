using System.Buffers.Binary;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Testing;

public struct GetTestResultResponse : IWireStructure<GetTestResultResponse>
{
    /// <summary>A <see cref="FailureCause"/>, UINT32: zero when all is well.</summary>
    public ReadOnlyMemory<byte> OutData;

    public static void Describe<TCodec>(ref TCodec wire, ref GetTestResultResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized32(ref value.OutData);
}

/// <summary><c>TPM_GetTestResult</c>, Part 3 §4.3: what the latest self-test has found; in failure mode, too.</summary>
public sealed class GetTestResult()
    : TpmCommand<NoParameters, GetTestResultResponse>(
        TpmOrdinal.GetTestResult, Sessions.None, Availability.Always | Availability.Failed, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in NoParameters request, ref GetTestResultResponse response)
    {
        byte[] result = new byte[sizeof(FailureCause)];
        BinaryPrimitives.WriteUInt32BigEndian(result, (uint)tpm.State.FailureCause);
        response.OutData = result;
        return Success;
    }
}
