using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.OptIn;

public struct SetOperatorAuthRequest : IWireStructure<SetOperatorAuthRequest>
{
    public TpmAuthData OperatorAuth;

    public static void Describe<TCodec>(ref TCodec wire, ref SetOperatorAuthRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => TpmAuthData.Describe(ref wire, ref value.OperatorAuth);
}

/// <summary><c>TPM_SetOperatorAuth</c>, Part 3 §5.7: the secret of the operator, on physical presence. It comes in the clear.</summary>
public sealed class SetOperatorAuth()
    : TpmCommand<SetOperatorAuthRequest, NoParameters>(TpmOrdinal.SetOperatorAuth, Sessions.None, Availability.NoOwner, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in SetOperatorAuthRequest request, ref NoParameters response)
    {
        if (!tpm.PhysicalPresence) return BadPresence;
        tpm.PermanentData = tpm.PermanentData with { OperatorAuth = new Secret(request.OperatorAuth.ReadOnlySpan) };
        tpm.PermanentFlags = tpm.PermanentFlags with { Operator = true };
        return Success;
    }
}
