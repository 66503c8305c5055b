using System.Buffers.Binary;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Instance;

/// <summary>
/// Requests of a guest that are not for its vTPM, by their tags: VTPM_TAG_REQ2 is management, which goes to the manager as it is; VTPM_TAG_REQ is a
/// command for the hardware TPM, and goes as one. Whether this vTPM may do either is for the manager to say. A guest reaches none of the commands by
/// which a vTPM keeps its keys: those have the tag that is replaced here.
/// </summary>
public sealed class PassThrough(ManagerLink manager, Action<string> log)
{
    /// <returns>False when the request is for the vTPM.</returns>
    public bool TryExecute(ReadOnlySpan<byte> request, Span<byte> response, out int length)
    {
        length = 0;
        TpmTag tag = request.Length < TpmMessage.HeaderLength ? TpmTag.RquCommand : TpmMessage.ReadTag(request);
        if (tag is not (TpmTag.VtpmReq or TpmTag.VtpmReq2)) return false;
        byte[] forwarded = request.ToArray();
        if (tag == TpmTag.VtpmReq) BinaryPrimitives.WriteUInt16BigEndian(forwarded, (ushort)TpmTag.RquCommand);
        try
        {
            length = TpmMessage.IsWhole(request) ? manager.Forward(forwarded, response) : TpmMessage.WriteFailure(TpmResult.BadParamSize, response);
        }
        catch (TpmTransportException exception)
        {
            log($"a guest's request for the manager was not answered: {exception.Message}");
            bool wasNotSent = exception.Fault == TpmTransportFault.Unavailable;
            length = TpmMessage.WriteFailure(wasNotSent ? TpmResult.Retry : TpmResult.IOError, response);
        }

        return true;
    }
}
