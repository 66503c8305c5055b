using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Instance;

/// <summary>Propose, persist, commit, answer: nothing is acknowledged before it is durable.</summary>
public sealed class TpmHost(ITpmEngine engine, IStateStore store, Action<string> log)
{
    /// <summary>Executes one command; when this returns, what the response acknowledges is durable.</summary>
    public int Execute(ReadOnlySpan<byte> request, int locality, Span<byte> response)
    {
        TpmProposal proposal = engine.Propose(request, locality, response);
        if (proposal.State is { } state)
        {
            try
            {
                store.Save(state.Span);
            }
            catch (StateNotSavedException exception)
            {
                log(exception.Message);
                return engine.WriteNotSaved(request, response, exception.IsTransient);
            }
        }

        engine.Commit();
        return proposal.ResponseLength;
    }

    /// <summary>Sends TPM_Startup, as firmware would.</summary>
    public TpmResult StartUp(TpmStartupType type)
    {
        byte[] request = [0, (byte)TpmTag.RquCommand, 0, 0, 0, 12, 0, 0, 0, (byte)TpmOrdinal.Startup, 0, (byte)type];
        byte[] response = new byte[TpmMessage.MaxLength];
        Execute(request, locality: 0, response);
        return TpmMessage.ReadResult(response);
    }
}
