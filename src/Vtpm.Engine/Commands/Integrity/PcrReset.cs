using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Integrity;

public struct PcrResetRequest : IWireStructure<PcrResetRequest>
{
    public TpmPcrSelection PcrSelection;

    public static void Describe<TCodec>(ref TCodec wire, ref PcrResetRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Structure(ref value.PcrSelection);
}

/// <summary><c>TPM_PCR_Reset</c>, Part 3 §16.4: resets all the PCRs selected, or none.</summary>
public sealed class PcrReset()
    : TpmCommand<PcrResetRequest, NoParameters>(TpmOrdinal.PcrReset, Sessions.None, Availability.Always, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in PcrResetRequest request, ref NoParameters response)
    {
        if (!PcrBinding.IsValid(request.PcrSelection) || request.PcrSelection.IsEmpty) return InvalidPcrInfo;
        for (int pcr = 0; pcr < PcrBank.Count; pcr++)
        {
            if (!request.PcrSelection.Selects(pcr)) continue;
            if (!PcrBank.IsResettable(pcr)) return NotResetable;
            if ((PcrBank.ResetLocalities(pcr) & tpm.LocalityBit) == 0) return NotLocal;
        }

        tpm.State = tpm.State with { Pcrs = tpm.State.Pcrs.Reset(request.PcrSelection, tpm.State.StAnyFlags.TosPresent) };
        return Success;
    }
}
