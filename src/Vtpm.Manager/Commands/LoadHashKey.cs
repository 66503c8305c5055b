using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary><c>VTPM_ORD_LOADHASHKEY</c>: gives a vTPM what it has saved, without the last 12 bytes when they are zero.</summary>
internal sealed class LoadHashKey() : ManagerCommand(VtpmManagerOrdinal.LoadHashKey)
{
    public override TpmResult Execute(in ManagerContext context, ReadOnlySpan<byte> parameters, Span<byte> body, out int length)
    {
        length = 0;
        if (!parameters.IsEmpty) return TpmResult.BadParameter;
        if (context.Manager.Settle($"LoadHashKey of vTPM {context.Link.Uuid}") is var doubt and not TpmResult.Success) return doubt;
        if (context.Manager.Open(context.Link) is var refusal and not TpmResult.Success)
        {
            if (refusal == TpmResult.BadParameter) context.Log.Info($"LoadHashKey with unknown UUID={context.Link.Uuid}");
            return refusal;
        }

        ReadOnlySpan<byte> keyData = context.Link.Vtpm!.KeyData;
        if (!keyData[VtpmHashKey.MinSize..].ContainsAnyExcept((byte)0)) keyData = keyData[..VtpmHashKey.MinSize];
        keyData.CopyTo(body);
        length = keyData.Length;
        return TpmResult.Success;
    }
}
