using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Deprecated;

/// <summary><c>TPM_Reset</c>, Part 3 §27.5: ends all authorization sessions, and forgets what the context commands of TPM 1.1 have saved.</summary>
public sealed class Reset() : TpmCommand<NoParameters, NoParameters>(TpmOrdinal.Reset, Sessions.None, Availability.Always, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in NoParameters request, ref NoParameters response)
    {
        StAnyData data = tpm.State.StAnyData;
        tpm.State = tpm.State with
        {
            Sessions = HandleTable<AuthSession>.Empty,
            StAnyData = data.WithoutContexts(data.AuthContextList.Contains) with { KeyContextNonce = default },
        };
        return Success;
    }
}
