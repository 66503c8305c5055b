using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>All commands that this TPM has, in the order of Part 3. Explicit: what is not listed here does not exist.</summary>
public sealed partial class CommandTable
{
    private readonly Dictionary<TpmOrdinal, TpmCommand> _commands;

    public CommandTable(IEnumerable<TpmCommand> commands) => _commands = commands.ToDictionary(command => command.Traits.Ordinal);

    public IEnumerable<TpmCommand> Commands => _commands.Values;

    /// <returns>TPM_BAD_ORDINAL for an ordinal that this TPM does not have.</returns>
    public TpmResult Find(TpmOrdinal ordinal, out TpmCommand command) =>
        _commands.TryGetValue(ordinal, out command!) ? TpmResult.Success : TpmResult.BadOrdinal;
}
