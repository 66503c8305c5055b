using Vtpm.Wire;

namespace Vtpm.Engine;

/// <content>Timing ticks (Part 1 §20, Part 3 §23).</content>
public sealed partial class CommandContext
{
    /// <summary>The ticks of this session: microseconds of the platform's clock since TPM_Startup began it.</summary>
    public TpmCurrentTicks CurrentTicks => new()
    {
        CurrentTicks = (ulong)(Platform.Time.GetElapsedTime(State.StAnyData.TickStart).Ticks / TimeSpan.TicksPerMicrosecond),
        TickRate = 1,
        TickNonce = State.StAnyData.TickNonce,
    };
}
