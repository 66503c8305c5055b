using Vtpm.Wire;

namespace Vtpm.Engine.Commands.Testing;

/// <summary>
/// <c>TPM_ContinueSelfTest</c>, Part 3 §4.2: completes the tests that are outstanding. They take so little that all are run, each time, before the
/// answer (action 3b): nothing is ever outstanding behind a caller's back.
/// </summary>
public sealed class ContinueSelfTest()
    : TpmCommand<NoParameters, NoParameters>(TpmOrdinal.ContinueSelfTest, Sessions.None, Availability.Always, Duration.Long)
{
    protected override TpmResult Execute(CommandContext tpm, in NoParameters request, ref NoParameters response) => SelfTestFull.Test(tpm);
}
