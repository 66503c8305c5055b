using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.TimingTicks;

public struct GetTicksResponse : IWireStructure<GetTicksResponse>
{
    public TpmCurrentTicks CurrentTime;

    public static void Describe<TCodec>(ref TCodec wire, ref GetTicksResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Structure(ref value.CurrentTime);
}

/// <summary><c>TPM_GetTicks</c>, Part 3 §23.1: the tick count, unsigned.</summary>
public sealed class GetTicks()
    : TpmCommand<NoParameters, GetTicksResponse>(TpmOrdinal.GetTicks, Sessions.None, Availability.NoOwner, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in NoParameters request, ref GetTicksResponse response)
    {
        response.CurrentTime = tpm.CurrentTicks;
        return Success;
    }
}
