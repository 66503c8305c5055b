using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Startup;

/// <summary><c>TPM_SaveState</c>, Part 3 §3.3: keeps what TPM_Startup(ST_STATE) will want, before the platform sleeps.</summary>
public sealed class SaveState() : TpmCommand<NoParameters, NoParameters>(TpmOrdinal.SaveState, Sessions.None, Availability.Always, Duration.Medium)
{
    protected override TpmResult Execute(CommandContext tpm, in NoParameters request, ref NoParameters response)
    {
        PcrBank pcrs = tpm.State.Pcrs;
        for (int pcr = 0; pcr < PcrBank.Count; pcr++)
        {
            if (PcrBank.IsResettable(pcr)) pcrs = pcrs.With(pcr, PcrBank.Initial[pcr]);
        }

        tpm.AuditsOutput = false; // §8.1 description 3a
        tpm.Permanent = tpm.Permanent with { SavedState = new SavedState(pcrs, tpm.StClearFlags, tpm.StClearData, tpm.State.Keys) };
        return Success;
    }
}
