using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Testing;

/// <summary><c>TPM_SelfTestFull</c>, Part 3 §4.1: tests every function, and answers when that is done.</summary>
public sealed class SelfTestFull()
    : TpmCommand<NoParameters, NoParameters>(TpmOrdinal.SelfTestFull, Sessions.None, Availability.Always, Duration.Long)
{
    protected override TpmResult Execute(CommandContext tpm, in NoParameters request, ref NoParameters response) => Test(tpm);

    /// <summary>Actions 1 and 2, which TPM_ContinueSelfTest shares.</summary>
    internal static TpmResult Test(CommandContext tpm) =>
        SelfTest.Run(tpm.Platform) is var cause and not FailureCause.None ? tpm.EnterFailureMode(cause) : Success;
}
